import type { ExecutionContext } from '@nestjs/common';
import { continueWith } from '../../async/maybe-promise.js';
import type { Connection } from '../../connection/connection.js';
import { fillArguments, type CompiledArgument, type MessageAtHand } from './compiled-arguments.js';

export type Method = (...args: unknown[]) => unknown;

/** One parameter of a method, ready to be read. */
export interface StageArgument extends CompiledArgument {
  /** Made by `createParamDecorator`, so it needs an execution context. */
  readonly custom: boolean;
  /** Sent by the client with the request, and made from it before the 101. */
  readonly fromRequest: boolean;
}

export function isFromRequest(argument: StageArgument): boolean {
  return argument.fromRequest;
}

type Call = (
  connection: Connection,
  payload: unknown,
  host: ExecutionContext | undefined,
  message: MessageAtHand,
) => unknown;

/** A call whose arguments are at hand, and few, makes no array; anything else fills one. */
export function compileCall(instance: object, name: string, args: readonly StageArgument[]): Call {
  const target = instance as Record<string, Method>;
  // Nest awaits what an asynchronous custom decorator gives, so those go the long way, as pipes do.
  if (args.length > 3 || args.some(({ pipe, custom }) => pipe !== undefined || custom)) {
    const apply = (values: unknown[]): unknown => target[name]?.(...values);
    return (connection, payload, host, message) => {
      const filled = fillArguments(
        new Array<unknown>(args.length),
        args,
        connection.context,
        connection,
        payload,
        host,
        message,
      );
      return continueWith(filled, apply);
    };
  }
  const [first, second, third] = args;
  if (first === undefined) return () => target[name]?.();
  if (second === undefined) {
    return (connection, payload, host, message) =>
      target[name]?.(first.read(connection.context, connection, payload, host, message));
  }
  if (third === undefined) {
    return (connection, payload, host, message) => {
      const { context } = connection;
      return target[name]?.(
        first.read(context, connection, payload, host, message),
        second.read(context, connection, payload, host, message),
      );
    };
  }
  return (connection, payload, host, message) => {
    const { context } = connection;
    return target[name]?.(
      first.read(context, connection, payload, host, message),
      second.read(context, connection, payload, host, message),
      third.read(context, connection, payload, host, message),
    );
  };
}
