import { NEST_ROUTE_ARGUMENTS } from './definition/metadata-keys.js';

/** A parameter decorator of ours, kept where Nest keeps its own. */
export function describeParameter(decorator: string, kind: number, data?: unknown): ParameterDecorator {
  return (target, method, parameterIndex) => {
    if (method === undefined) throw new TypeError(`${decorator} is for parameters of methods only.`);
    const known = (Reflect.getMetadata(NEST_ROUTE_ARGUMENTS, target.constructor, method) as object | undefined) ?? {};
    const entry = { index: parameterIndex, data, pipes: [] };
    Reflect.defineMetadata(
      NEST_ROUTE_ARGUMENTS,
      { ...known, [`${kind}:${parameterIndex}`]: entry },
      target.constructor,
      method,
    );
  };
}
