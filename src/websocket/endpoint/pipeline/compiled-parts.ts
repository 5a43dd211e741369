import type { ServerResponse } from 'node:http';
import { ForbiddenException, HttpException, type CanActivate, type ExecutionContext } from '@nestjs/common';
import type { RequestContext } from '../../request/request-context.js';
import { continueWith, isPromiseLike, type MaybePromise } from '../../async/maybe-promise.js';
import { log } from '../../log/log.js';
import type { FilterOutcome } from './compiled-filters.js';
import { askGuards, FORBIDDEN } from './compiled-guards.js';
import type { Enhancers } from './enhancers.js';
import type {
  EndpointHandlers,
  EstablishArguments,
  MessageHandler,
  PartHandlers,
  RequestArguments,
} from './endpoint-handlers.js';

/*
 * An endpoint and its parts are several classes for the application and one for a connection: what each of them was compiled
 * to is joined here.
 */

/** The handshake of one class. */
export interface Entrance {
  readonly name: string;
  /** It has guards that only it asks. */
  readonly isGuarded: boolean;
  /** Gives `undefined` where a guard of a part says no. Throws or rejects to refuse. */
  handshake(context: RequestContext, response: () => ServerResponse): MaybePromise<RequestArguments | undefined>;
  recoverHandshake(exception: unknown, context: RequestContext, response: () => ServerResponse): FilterOutcome;
}

/** The methods of one class that are for messages. */
export type Messages = Pick<EndpointHandlers, 'anyMessage' | 'binaryMessage' | 'events'>;

/** What surrounds a method of a part: the enhancers of the application and of the endpoint's class, and inside of them its own. */
export function surround(outer: Enhancers, own: Enhancers): Enhancers {
  return {
    guards: [...outer.guards, ...own.guards],
    interceptors: [...outer.interceptors, ...own.interceptors],
    pipes: [...outer.pipes, ...own.pipes],
    // The nearest decides.
    filters: [...own.filters, ...outer.filters],
    globalFilters: outer.globalFilters,
  };
}

/**
 * Asks the guards of a part; false when one says no.
 * @throws what says nothing about the client, such as an error without a status of its own.
 */
export function askGuardsOfPart(
  guards: readonly CanActivate[],
  host: ExecutionContext,
  insist: () => void,
): MaybePromise<boolean> {
  try {
    const asked = askGuards(guards, host, insist);
    return isPromiseLike(asked) ? asked.then(() => true, readNo) : true;
  } catch (error) {
    return readNo(error);
  }
}

function readNo(error: unknown): false {
  if (error instanceof HttpException && error.getStatus() >= 400 && error.getStatus() < 500) return false;
  throw error;
}

/** One handshake for all classes: the endpoint's, then one part after the other. */
export function joinEntrances(
  own: Entrance,
  parts: readonly Entrance[],
): Pick<EndpointHandlers, 'handshake' | 'recoverHandshake'> {
  if (parts.length === 0) {
    return {
      handshake: (context, response) => continueWith(own.handshake(context, response), toList),
      recoverHandshake: (exception, context, response) => own.recoverHandshake(exception, context, response),
    };
  }
  /** The part that a handshake failed in: its filters are asked. */
  const failures = new WeakMap<RequestContext, Entrance>();
  const ask = (
    args: EstablishArguments,
    context: RequestContext,
    response: () => ServerResponse,
  ): MaybePromise<EstablishArguments> => {
    for (let part = parts[args.length - 1]; part !== undefined; part = parts[args.length - 1]) {
      const asked = askPart(part, context, response, failures);
      if (isPromiseLike(asked)) {
        return asked.then((settled) => {
          args.push(settled);
          context.insistOnClient();
          return ask(args, context, response);
        });
      }
      args.push(asked);
    }
    return args;
  };
  return {
    handshake: (context, response) =>
      continueWith(own.handshake(context, response), (args) => ask([args], context, response)),
    recoverHandshake: (exception, context, response) =>
      (failures.get(context) ?? own).recoverHandshake(exception, context, response),
  };
}

function toList(args: RequestArguments | undefined): EstablishArguments {
  return [args];
}

function askPart(
  part: Entrance,
  context: RequestContext,
  response: () => ServerResponse,
  failures: WeakMap<RequestContext, Entrance>,
): MaybePromise<RequestArguments | undefined> {
  const fail = (error: unknown): never => {
    failures.set(context, part);
    throw error;
  };
  const note = (args: RequestArguments | undefined): RequestArguments | undefined => {
    if (args === undefined)
      log.debug(part.name, () => `${part.name} leaves itself out: its guards said no`, { context });
    return args;
  };
  try {
    const asked = part.handshake(context, response);
    return isPromiseLike(asked) ? asked.then(note, fail) : note(asked);
  } catch (error) {
    return fail(error);
  }
}

/** One table of messages for all classes; the definition has made sure that none is in two of them. */
export function joinMessages(classes: readonly Messages[]): Messages {
  return {
    anyMessage: classes.find(({ anyMessage }) => anyMessage !== undefined)?.anyMessage,
    binaryMessage: classes.find(({ binaryMessage }) => binaryMessage !== undefined)?.binaryMessage,
    events: new Map(classes.flatMap(({ events }) => [...events])),
  };
}

/** The messages of a part, which are forbidden to connections that it takes no part in. */
export function messagesOfPart(
  part: PartHandlers,
  isGuarded: boolean,
  { anyMessage, binaryMessage, events }: Messages,
): Messages {
  const own = (handler: MessageHandler): MessageHandler => {
    if (!isGuarded) return { ...handler, part };
    const invoke: MessageHandler['invoke'] = (connection, payload, pattern, form) => {
      if (part.absent.has(connection)) throw new ForbiddenException(FORBIDDEN);
      return handler.invoke(connection, payload, pattern, form);
    };
    return { ...handler, invoke, part };
  };
  return {
    anyMessage: anyMessage && own(anyMessage),
    binaryMessage: binaryMessage && own(binaryMessage),
    events: new Map([...events].map(([event, handler]) => [event, own(handler)])),
  };
}
