import { HANDSHAKE_RESULT_PARAMETER, NEST_ROUTE_ARGUMENTS } from './metadata-keys.js';

/**
 * Injects what the handshake hook returned beside the response: the result at an index, or the whole list. May stand
 * on parameters of `@OnEstablish`, `@OnMessage` and `@OnFinish` methods.
 *
 * @example
 * ```ts
 * @OnEstablish()
 * enter(connection: Connection, @HandshakeResult(0) name: string) {}
 * ```
 */
export function HandshakeResult(index?: number): ParameterDecorator {
  return (target, method, parameterIndex) => {
    if (method === undefined) throw new TypeError('@HandshakeResult may stand on parameters of methods only.');
    const known = (Reflect.getMetadata(NEST_ROUTE_ARGUMENTS, target.constructor, method) as object | undefined) ?? {};
    const entry = { index: parameterIndex, data: index, pipes: [] };
    Reflect.defineMetadata(
      NEST_ROUTE_ARGUMENTS,
      { ...known, [`${HANDSHAKE_RESULT_PARAMETER}:${parameterIndex}`]: entry },
      target.constructor,
      method,
    );
  };
}
