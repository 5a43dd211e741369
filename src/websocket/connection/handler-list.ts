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
 * Invariant: the array is never changed, only replaced, so an iteration goes over a snapshot. A handler added or
 * removed while handlers run takes effect from the next message on.
 */
export class HandlerList<Handler> {
  readonly #registrations = new Set<Registration<Handler>>();
  /** Made when it is asked for, so that adding and removing many costs no more than each of them alone. */
  #entries: readonly Registration<Handler>[] | undefined;

  get entries(): readonly Registration<Handler>[] {
    return (this.#entries ??= [...this.#registrations]);
  }

  add(handler: Handler): Unregister {
    const registration = new Registration(handler, (gone) => {
      this.#registrations.delete(gone);
      this.#entries = undefined;
    });
    this.#registrations.add(registration);
    this.#entries = undefined;
    return registration.unregister;
  }
}
