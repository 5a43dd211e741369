/**
 * Types of the application that hold in all of it. Declare `user` once, and `connection.user` and `context.user` have that type
 * wherever no other is given. It is a promise to the compiler: guards or the hook have to keep it, at run time nothing checks it.
 *
 * @example
 * ```ts
 * declare module 'nestjs-plack-websocket' {
 *   interface ApplicationTypes {
 *     user: User;
 *   }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-object-type -- applications add to it
export interface ApplicationTypes {}

/** The user as `ApplicationTypes` declares it; `unknown` where it does not. */
export type ApplicationUser = ApplicationTypes extends { readonly user: infer User } ? User : unknown;
