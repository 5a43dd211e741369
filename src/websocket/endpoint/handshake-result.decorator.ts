import { HANDSHAKE_RESULT_PARAMETER } from './definition/metadata-keys.js';
import { describeParameter } from './own-parameter.js';

/**
 * Injects what the handshake hook returned beside the response: the result at an index, or the whole list. For
 * parameters of `@OnEstablish`, `@OnMessage` and `@OnFinish` methods.
 *
 * @example
 * ```ts
 * @OnEstablish()
 * enter(connection: Connection, @HandshakeResult(0) name: string) {}
 * ```
 */
export function HandshakeResult(index?: number): ParameterDecorator {
  return describeParameter('@HandshakeResult', HANDSHAKE_RESULT_PARAMETER, index);
}
