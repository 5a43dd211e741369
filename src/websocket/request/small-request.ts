import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';

/** Header lines up to which a request stays as Node made it; browsers behind several proxies send about forty. */
const MAX_LINES = 64;

/** Separates the parts of the text that is kept; no name and no value of a header can have it. */
const SEPARATOR = '\n';

/**
 * Makes a request with very many header lines small: short lines take ten times their bytes as strings and properties. One
 * text is kept of them, and `rawHeaders`, `headers` and `headersDistinct` are derived of it when they are asked for, and
 * held for as long as they are used. What the application has changed, or changes later, stays.
 */
export function makeSmall(request: IncomingMessage): void {
  const { rawHeaders } = request;
  if (rawHeaders.length <= 2 * MAX_LINES || !isDerivable(request)) return;
  if (rawHeaders.some((part) => part.includes(SEPARATOR))) return;
  const { headers } = request;
  deriveLater(request, rawHeaders.join(SEPARATOR), changesBetween(deriveHeaders(request), headers));
}

/** A scope of its own: closures keep all that the others of their function use. */
function deriveLater(request: IncomingMessage, text: string, changes: Changes): void {
  defineLazily(request, 'rawHeaders', () => text.split(SEPARATOR));
  defineLazily(request, 'headers', () => change(deriveHeaders(request), changes));
  defineLazily(request, 'headersDistinct', () => derive(request, 'headersDistinct'));
}

type Derived = 'headers' | 'headersDistinct';

/** Node derives both from `rawHeaders` when they are first read; other runtimes, and subclasses, may do otherwise. */
function isDerivable(request: IncomingMessage): boolean {
  return (
    Object.hasOwn(request, 'rawHeaders') &&
    (['headers', 'headersDistinct'] as const).every((name) => {
      const accessor = inheritedAccessor(request, name);
      return accessor?.get !== undefined && accessor.set !== undefined;
    })
  );
}

function inheritedAccessor(request: IncomingMessage, name: Derived): PropertyDescriptor | undefined {
  if (Object.hasOwn(request, name)) return undefined;
  let prototype: object | null = request;
  while (prototype !== null && !Object.hasOwn(prototype, name)) prototype = Object.getPrototypeOf(prototype) as object;
  return prototype === null ? undefined : Object.getOwnPropertyDescriptor(prototype, name);
}

function deriveHeaders(request: IncomingMessage): IncomingHttpHeaders {
  return derive(request, 'headers') as IncomingHttpHeaders;
}

/** Lets Node derive the headers anew, and forget them again. */
function derive(request: IncomingMessage, name: Derived): object {
  const prototype = Object.getPrototypeOf(request) as object;
  Reflect.set(prototype, name, undefined, request);
  const derived = Reflect.get(prototype, name, request) as object;
  Reflect.set(prototype, name, undefined, request);
  return derived;
}

interface Changes {
  readonly written: IncomingHttpHeaders;
  readonly removed: readonly string[];
}

/** What the application has changed of the headers. */
function changesBetween(derived: IncomingHttpHeaders, current: IncomingHttpHeaders): Changes {
  return {
    written: Object.fromEntries(Object.entries(current).filter(([name, value]) => !isSame(value, derived[name]))),
    removed: Object.keys(derived).filter((name) => !Object.hasOwn(current, name)),
  };
}

function change(headers: IncomingHttpHeaders, { written, removed }: Changes): IncomingHttpHeaders {
  for (const name of removed) Reflect.deleteProperty(headers, name);
  return Object.assign(headers, written);
}

/** `Set-Cookie` is a list, another one each time. */
function isSame(one: unknown, other: unknown): boolean {
  if (!Array.isArray(one) || !Array.isArray(other)) return one === other;
  return one.length === other.length && one.every((item, index) => item === other[index]);
}

/** Defines a property that is made when it is read, and kept while it is used; once it is written to, it stays. */
function defineLazily(owner: object, name: string, make: () => object): void {
  let last: WeakRef<object> | undefined;
  let pinned: unknown;
  const get = (): unknown => {
    const known = pinned ?? last?.deref();
    if (known !== undefined) return known;
    const proxy: object = new Proxy(make(), {
      defineProperty: (target, key, descriptor) => {
        pinned = proxy;
        return Reflect.defineProperty(target, key, descriptor);
      },
      deleteProperty: (target, key) => {
        pinned = proxy;
        return Reflect.deleteProperty(target, key);
      },
    });
    last = new WeakRef(proxy);
    return proxy;
  };
  const set = (value: unknown): void => void (pinned = value);
  Object.defineProperty(owner, name, { configurable: true, enumerable: true, get, set });
}
