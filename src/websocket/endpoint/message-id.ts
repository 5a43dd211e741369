import type { ArgumentsHost } from '@nestjs/common';
import type { MessageForm } from '../serializer/message-form.js';
import { MESSAGE_ID_PARAMETER } from './definition/metadata-keys.js';
import { describeParameter } from './own-parameter.js';

/** Where an execution context keeps the id; a registered symbol, so that two copies of the library agree. */
export const MESSAGE_ID = Symbol.for('nestjs-plack-websocket:message-id');

/**
 * Injects the `id` of the message, which comes back on its reply; `undefined` where it has none. For parameters of
 * `@OnMessage` and `@OnError` methods.
 *
 * @example
 * ```ts
 * @OnMessage('order')
 * order(connection: Connection, @MessageId() id: string, @MessageBody() order: Order) {}
 * ```
 */
export function MessageId(): ParameterDecorator {
  return describeParameter('@MessageId', MESSAGE_ID_PARAMETER);
}

/**
 * The `id` of the message that a guard, an interceptor, a filter or a custom parameter decorator runs for; `undefined` where it
 * has none, and outside of messages. The event is `context.switchToWs().getPattern()`.
 */
export function messageIdOf(context: ArgumentsHost): MessageForm['id'] {
  return (context as { readonly [MESSAGE_ID]?: MessageForm['id'] })[MESSAGE_ID];
}
