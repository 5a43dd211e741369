import type { ExecutionContext, Type } from '@nestjs/common';
import type { Connection } from '../../connection/connection.js';
import { MESSAGE_ID } from '../../endpoint/message-id.js';
import type { MessageId } from '../../serializer/message-form.js';
import { toControllerRequest } from '../../endpoint/pipeline/controller-request.js';
import { IgnoredResponse } from '../../endpoint/pipeline/ignored-response.js';
import { EndpointExecutionContext } from './execution-context.js';

/** Shared by all messages, because nothing that is done to it has a consequence. */
const { proxy: ignoredResponse } = new IgnoredResponse();

/**
 * The execution context of a message: its arguments are connection, data and event, and code written for HTTP finds the
 * request of the handshake and a response that ignores everything.
 */
export class MessageContext extends EndpointExecutionContext {
  readonly [MESSAGE_ID]: MessageId | undefined;

  constructor(
    args: readonly unknown[],
    metatype: Type,
    handler: (...args: never[]) => unknown,
    messageId: MessageId | undefined,
  ) {
    super('ws', args, metatype, handler);
    this[MESSAGE_ID] = messageId;
  }

  override switchToHttp(): ReturnType<ExecutionContext['switchToHttp']> {
    const { context } = this.getArgByIndex<Connection>(0);
    return {
      getRequest: <T>() => toControllerRequest(context) as T,
      getResponse: <T>() => ignoredResponse as T,
      getNext: <T>() => ignoredResponse as T,
    };
  }
}
