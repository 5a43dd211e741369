/** How many members a derived value may have to be kept for the life of a connection. */
const MAX_MEMBERS = 64;

/** A value that is derived from the request, or a way to it that does not keep it from being garbage. */
export type Kept<T extends object> = T | WeakRef<T> | undefined;

/**
 * Keeps a derived value. A small one is kept as it is. A large one, which takes many times the bytes that a client wrote
 * for it, is remembered only while the application uses it; it is derived anew when it is asked for again.
 */
export function keep<T extends object>(value: T, members: number): T | WeakRef<T> {
  return members > MAX_MEMBERS ? new WeakRef(value) : value;
}

/** The value, if it is still there. */
export function kept<T extends object>(value: Kept<T>): T | undefined {
  return value instanceof WeakRef ? value.deref() : value;
}
