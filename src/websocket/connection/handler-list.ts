/** Takes a handler off again; calling it more than once does nothing. */
export type Unregister = () => void;

/** One registration: the same function registered twice is two registrations. */
export class Registration<Handler> {
  #active = true;

  constructor(
    readonly handler: Handler,
    private readonly remove: (registration: Registration<Handler>) => void,
  ) {}

  readonly unregister: Unregister = () => {
    if (!this.#active) return;
    this.#active = false;
    this.remove(this);
  };
}

/**
 * Handlers of one event in registration order.
 *
 * Invariant: the array is never changed, only replaced, so whoever iterates it has a snapshot. A handler added or
 * removed while handlers run takes effect from the next message on.
 */
export class HandlerList<Handler> {
  entries: readonly Registration<Handler>[] = [];

  add(handler: Handler): Unregister {
    const registration = new Registration(handler, (gone) => {
      this.entries = this.entries.filter((entry) => entry !== gone);
    });
    this.entries = [...this.entries, registration];
    return registration.unregister;
  }
}
