import type { ExecutionContext, PipeTransform } from '@nestjs/common';
import type { Connection } from '../../connection/connection.js';
import type { RequestContext } from '../../request/request-context.js';
import { continueWith, isPromiseLike, type MaybePromise } from '../../async/maybe-promise.js';
import { readId } from '../../serializer/envelope.js';
import type { MessageForm, MessageId } from '../../serializer/message-form.js';
import type { Parameter } from '../definition/parameter.js';
import type { FailedMessage } from '../failed-message.js';

/** The message that a stage deals with: its id, and for `@OnError` what it was. */
export type MessageAtHand = MessageForm | FailedMessage | undefined;

/** Takes the raw value of one parameter from what the stage has. */
export type ArgumentReader = (
  context: RequestContext,
  connection: Connection | undefined,
  payload: unknown,
  host: ExecutionContext | undefined,
  message: MessageAtHand,
) => unknown;

/** A parameter with the pipes that run on it. */
export interface CompiledArgument {
  readonly index: number;
  readonly read: ArgumentReader;
  /** Runs the pipes; absent when there are none. */
  readonly pipe: ((value: unknown) => MaybePromise<unknown>) | undefined;
}

export function compileArgument(parameter: Parameter, pipes: readonly PipeTransform[]): CompiledArgument {
  return {
    index: parameter.index,
    read: compileReader(parameter),
    pipe: pipes.length === 0 ? undefined : compilePipes(parameter, pipes),
  };
}

function resolveArgument(
  argument: CompiledArgument,
  context: RequestContext,
  connection: Connection | undefined,
  payload: unknown,
  host: ExecutionContext | undefined,
  message: MessageAtHand,
): MaybePromise<unknown> {
  const value = argument.read(context, connection, payload, host, message);
  if (argument.pipe === undefined) return value;
  return argument.pipe(value);
}

/** Fills the arguments in; asynchronous only from the first one on that is. Without a connection it is the handshake, which may be over. */
export function fillArguments(
  target: unknown[],
  args: readonly CompiledArgument[],
  context: RequestContext,
  connection: Connection | undefined,
  payload: unknown,
  host: ExecutionContext | undefined,
  message: MessageAtHand,
  from = 0,
): MaybePromise<unknown[]> {
  for (let i = from; i < args.length; i++) {
    const argument = args[i] as CompiledArgument;
    const value = resolveArgument(argument, context, connection, payload, host, message);
    if (isPromiseLike(value)) {
      return Promise.resolve(value).then((settled) => {
        target[argument.index] = settled;
        if (connection === undefined) context.insistOnClient();
        return fillArguments(target, args, context, connection, payload, host, message, i + 1);
      });
    }
    target[argument.index] = value;
  }
  return target;
}

function compileReader({ source, data, factory }: Parameter): ArgumentReader {
  switch (source) {
    case 'connection':
      return (_context, connection) => connection;
    case 'context':
      return (context) => context;
    case 'signal':
      return (_context, connection) => connection?.signal;
    case 'payload':
      return data === undefined || data === null
        ? (_context, _connection, payload) => payload
        : (_context, _connection, payload) => ownProperty(payload, data as string);
    case 'results':
      return data === undefined ? (context) => context.results : (context) => context.results[data as number];
    case 'messageId':
      return (_context, _connection, payload, _host, message) => idOf(message, payload);
    case 'failedMessage':
      return (_context, _connection, _payload, _host, message) => message;
    case 'param':
      return picker((context) => context.params, data);
    case 'query':
      return picker((context) => context.query, data);
    case 'headers':
      return picker((context) => context.headers, typeof data === 'string' ? data.toLowerCase() : data);
    case 'cookies':
      return picker((context) => context.cookies, data);
    case 'session':
      return (context) => context.session;
    case 'ip':
      return (context) => context.ip;
    case 'custom':
      return (_context, _connection, _payload, host) => factory?.(data, host as ExecutionContext);
    case 'nothing':
      return () => undefined;
  }
}

/** A method for all messages gets the message whole, so its id is in there. */
export function idOf(message: MessageAtHand, payload: unknown): MessageId | undefined {
  if (message === undefined) return undefined;
  return message.event === undefined && 'kind' in message ? readId(payload) : message.id;
}

function picker(values: (context: RequestContext) => object, data: unknown): ArgumentReader {
  if (data === undefined || data === null || data === '') return (context) => values(context);
  const name = data as string;
  return (context) => (values(context) as Record<string, unknown>)[name];
}

/** Only what the peer itself sent: `@MessageBody('constructor')` must not reach into prototypes. */
function ownProperty(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? (value as Record<string, unknown>)[name]
    : undefined;
}

/** What pipes are told about a parameter; the words are Nest's. */
const PIPE_TYPES: Partial<Record<Parameter['source'], 'body' | 'query' | 'param' | 'custom'>> = {
  payload: 'body',
  query: 'query',
  param: 'param',
};

function compilePipes(
  parameter: Parameter,
  pipes: readonly PipeTransform[],
): (value: unknown) => MaybePromise<unknown> {
  const metadata = {
    type: PIPE_TYPES[parameter.source] ?? ('custom' as const),
    metatype: parameter.metatype,
    data: parameter.data as string | undefined,
    ...(parameter.schema === undefined ? {} : { schema: parameter.schema as never }),
  };
  const run = (value: unknown, from: number): MaybePromise<unknown> => {
    let current = value;
    for (let i = from; i < pipes.length; i++) {
      // A custom decorator may be asynchronous, and pipes must see what it resolves to.
      if (isPromiseLike(current)) return continueWith(current, (settled) => run(settled, i));
      current = (pipes[i] as PipeTransform).transform(current, metadata as never);
    }
    return current;
  };
  return (value) => run(value, 0);
}
