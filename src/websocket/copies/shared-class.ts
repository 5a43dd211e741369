import { THIS_COPY, VERSION, type Copy } from './this-copy.js';

/** What a class of this library says about itself, to other copies too. */
interface SharedClass {
  readonly name: string;
  readonly copy: Copy;
}

/** A class, also one that cannot be made from outside. */
interface Class {
  readonly prototype: object;
}

/** Own property of a class. Each version reads what others wrote, so its form stays as it is. */
const CLASS = Symbol.for('nestjs-plack-websocket/class');

/**
 * Makes a class known to other copies of the library. What is an instance of it in one copy is so in all copies of the
 * version; subclasses keep to themselves.
 */
export function shareClass(type: Class, name: string): void {
  const mark = Symbol.for(`nestjs-plack-websocket@${VERSION}/${name}`);
  const shared: SharedClass = { name, copy: THIS_COPY };
  Object.defineProperty(type.prototype, mark, { value: true });
  Object.defineProperty(type, CLASS, { value: shared });
  Object.defineProperty(type, Symbol.hasInstance, {
    value(this: unknown, value: unknown): boolean {
      // Subclasses inherit this method.
      return this === type ? isMarked(value, mark) : isInstance.call(this as () => void, value);
    },
  });
  THIS_COPY.classes.set(name, type);
}

/** The copy that a class of this library belongs to; `undefined` for any other class. */
export function copyOf(type: unknown): Copy | undefined {
  return sharedClassOf(type)?.copy;
}

/** Tells whether a class is the one of that name, of this copy or of another one. */
export function isSharedClass(type: unknown, name: string): boolean {
  return sharedClassOf(type)?.name === name;
}

const isInstance = Function.prototype[Symbol.hasInstance];

function isMarked(value: unknown, mark: symbol): boolean {
  if (typeof value !== 'object' || value === null) return false;
  try {
    // A prototype, which has the mark itself, is not an instance.
    return (value as Readonly<Record<symbol, unknown>>)[mark] === true && !Object.hasOwn(value, mark);
  } catch {
    // A proxy may throw for anything that is asked of it.
    return false;
  }
}

/** Not that of a base class. */
function sharedClassOf(type: unknown): SharedClass | undefined {
  if (typeof type !== 'function' || !Object.hasOwn(type, CLASS)) return undefined;
  return (type as { [CLASS]?: SharedClass })[CLASS];
}
