import type { Connection } from './connection.js';

/** The first parameter of a method, where it is a connection. */
type FirstConnection<Method> = Method extends (connection: infer First, ...rest: never[]) => unknown
  ? First extends Connection<unknown, object>
    ? First
    : never
  : never;

/** The connections that the public methods of a class take as their first parameter. */
type FoundConnection<TEndpoint> = { [Name in keyof TEndpoint]: FirstConnection<TEndpoint[Name]> }[keyof TEndpoint];

/**
 * The connections of an endpoint class, typed as its own public methods have them: `Connection<User, Visit>` where one takes
 * `connection: Connection<User, Visit>` first. `Connection` where none does.
 */
export type ConnectionOf<TEndpoint> = [FoundConnection<TEndpoint>] extends [never]
  ? Connection
  : FoundConnection<TEndpoint>;
