import { ConfigurationError } from '../errors/plack-websocket.error.js';

/** What compilers of standard decorators call a decorator with, in place of a name. */
interface StandardContext {
  readonly kind: string;
  readonly name: string | symbol;
}

/**
 * The method that a decorator is on.
 * @throws ConfigurationError where it is on anything that Nest does not find among the methods of an instance.
 */
export function decoratedMethod(
  decorator: string,
  target: object,
  name: string | symbol,
  descriptor: PropertyDescriptor | undefined,
): object {
  refuseStandardForm(decorator, name);
  const owner = typeof target === 'function' ? target.name : target.constructor.name;
  if (typeof name === 'symbol') {
    throw new ConfigurationError(
      `${decorator} is on a method of ${owner} that is called by a symbol (${name.description ?? ''}): ` +
        'give it a name, Nest looks methods up by their names.',
    );
  }
  if (typeof target === 'function') {
    throw new ConfigurationError(
      `${decorator} is on ${owner}.${name}, which is static: ` +
        'take the word static off, connections are served by an instance.',
    );
  }
  const method: unknown = descriptor?.value;
  if (typeof method === 'function') return method;
  throw new ConfigurationError(
    `${decorator} is on ${owner}.${name}, which is a property: write it as a method, ${name}() { … }. ` +
      'Guards and interceptors of Nest cannot be told about a function that each instance makes anew.',
  );
}

/**
 * @param second what the decorator was called with after its target: the context of the standard form.
 * @throws ConfigurationError for the standard form, which has no decorators of parameters.
 */
export function refuseStandardForm(decorator: string, second: unknown): void {
  if (typeof second !== 'object' || second === null || !('kind' in second)) return;
  const { name } = second as StandardContext;
  throw new ConfigurationError(
    `${decorator.split('(', 1)[0]}() of ${String(name)} was called as a standard decorator. ` +
      'Nest\'s decorators are the older ones: set "experimentalDecorators": true in tsconfig.json (and ' +
      '"emitDecoratorMetadata": true), and see that the compiler that runs reads that file.',
  );
}
