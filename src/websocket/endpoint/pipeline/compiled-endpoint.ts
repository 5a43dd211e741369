import type { ServerResponse } from 'node:http';
import type { CanActivate, ExecutionContext, PipeTransform } from '@nestjs/common';
import type { Connection } from '../../connection/connection.js';
import type { RequestContext } from '../../request/request-context.js';
import { continueWith, isPromiseLike, type MaybePromise } from '../../async/maybe-promise.js';
import { compileArgument, fillArguments, idOf, type MessageAtHand } from './compiled-arguments.js';
import { compileCall, isFromRequest, type Method, type StageArgument } from './compiled-call.js';
import { filterHandshakeError, filterMessageError, UNHANDLED } from './compiled-filters.js';
import { askGuards } from './compiled-guards.js';
import { Intercepted } from './compiled-interceptors.js';
import { toControllerRequest } from './controller-request.js';
import {
  askGuardsOfPart,
  joinEntrances,
  joinMessages,
  messagesOfPart,
  surround,
  type Entrance,
  type Messages,
} from './compiled-parts.js';
import type {
  ClassHandlers,
  EndpointHandlers,
  MessageHandler,
  PartHandlers,
  RequestArguments,
} from './endpoint-handlers.js';
import type { ConnectionContextId, EndpointProvider, EnhancerFinder, Enhancers, HandlerProvider } from './enhancers.js';
import type { MessageForm } from '../../serializer/message-form.js';
import type { FailedMessage } from '../failed-message.js';
import type { ParameterStage } from '../definition/parameter.js';
import { isPipeable, pipesFor, readParameters } from '../definition/parameters.js';
import { ParameterNotes } from './parameter-notes.js';

/** The handler that the execution context of guards names when the class has no `@OnEstablish` method. */
function establish(): void {}

/**
 * Compiles the methods of an endpoint: what is absent costs nothing later, and what is synchronous stays so.
 *
 * Runs once at boot, or once per connection for an endpoint of request scope.
 */
export function compileEndpoint(
  finder: EnhancerFinder,
  provider: EndpointProvider,
  contextId?: ConnectionContextId,
): EndpointHandlers {
  const own = new MethodCompiler(finder, provider, contextId);
  const parts = provider.parts.map((part) => compilePart(new MethodCompiler(finder, part, contextId, provider)));
  const compiled = {
    ...joinEntrances(
      own.handshake(),
      parts.map(({ entrance }) => entrance),
    ),
    ...own.others(),
    ...joinMessages([own.messages(), ...parts.map(({ messages }) => messages)]),
    parts: parts.map(({ handlers }) => handlers),
  };
  return {
    ...compiled,
    untyped: own.notes.untyped ?? parts.find(({ untyped }) => untyped !== undefined)?.untyped,
  };
}

/**
 * Compiles the guards that are asked before anything of request scope is built for a connection: those at the head of the list
 * that need none of it, so that none overtakes another. What `compileEndpoint` makes for one connection leaves them out.
 */
export function compileFirstGuards(finder: EnhancerFinder, provider: EndpointProvider): FirstGuards {
  return new MethodCompiler(finder, provider, undefined).firstGuards();
}

export type FirstGuards = (context: RequestContext, response: () => ServerResponse) => MaybePromise<void>;

function compilePart(compiler: MethodCompiler): {
  readonly entrance: Entrance;
  readonly handlers: PartHandlers;
  readonly messages: Messages;
  readonly untyped: string | undefined;
} {
  const entrance = compiler.handshake();
  const handlers = { ...compiler.others(), name: entrance.name, absent: new WeakSet<Connection>() };
  const messages = messagesOfPart(handlers, entrance.isGuarded, compiler.messages());
  return { entrance, handlers, messages, untyped: compiler.notes.untyped };
}

/** Compiles the methods of one class. */
class MethodCompiler {
  readonly notes = new ParameterNotes();

  constructor(
    private readonly finder: EnhancerFinder,
    private readonly provider: HandlerProvider,
    private readonly contextId: ConnectionContextId | undefined,
    /** The endpoint that the class is a part of. */
    private readonly endpoint?: HandlerProvider,
  ) {}

  messages(): Messages {
    const { anyMessage, binaryMessage, events } = this.provider.definition;
    return {
      anyMessage: anyMessage === undefined ? undefined : this.message(anyMessage),
      binaryMessage: binaryMessage === undefined ? undefined : this.message(binaryMessage),
      events: new Map([...events].map(([event, name]) => [event, this.message(name)])),
    };
  }

  others(): ClassHandlers {
    const { definition } = this.provider;
    const { finish, error } = definition;
    return {
      explain: (stage, thrown) => this.notes.explain(definition[stage], thrown),
      establish: this.establish(),
      recoverEstablish: this.recoverEstablish(),
      finish: this.withoutEnhancers(finish, 'finish'),
      error: this.withoutEnhancers(error, 'error'),
    };
  }

  firstGuards(): FirstGuards {
    const guards = this.finder.findFirstGuards(this.provider, this.provider.definition.establish);
    const createContext = this.#handshakeContext();
    if (guards.length === 0) return () => undefined;
    return (context, response) => askGuards(guards, createContext(context, response), () => context.insistOnClient());
  }

  handshake(): Entrance {
    const { endpoint } = this;
    const { metatype, establish: name } = this.provider.definition;
    const enhancers = this.#enhancers(name);
    const guards = this.#guards(name, enhancers);
    const args = name === undefined ? [] : this.#arguments(name, 'establish', enhancers.pipes).filter(isFromRequest);
    const needsContext = guards.length > 0 || args.some(({ custom }) => custom);
    const createContext = this.#handshakeContext();
    return {
      name: metatype.name,
      isGuarded: guards.length > 0,
      handshake(context, response) {
        const host = needsContext ? createContext(context, response) : undefined;
        const fill = (): MaybePromise<RequestArguments> =>
          fillArguments([], args, context, undefined, undefined, host, undefined);
        if (host === undefined) return fill();
        const insist = (): void => context.insistOnClient();
        if (endpoint === undefined) return continueWith(askGuards(guards, host, insist), fill);
        return continueWith(askGuardsOfPart(guards, host, insist), (isIn) => (isIn ? fill() : undefined));
      },
      recoverHandshake(exception, context, response) {
        if (enhancers.filters.length + enhancers.globalFilters.length === 0) return UNHANDLED;
        return filterHandshakeError(enhancers, exception, createContext(context, response));
      },
    };
  }

  establish(): ClassHandlers['establish'] {
    const name = this.provider.definition.establish;
    if (name === undefined) return undefined;
    const { interceptors, pipes } = this.#enhancers(name);
    const fromConnection = this.#arguments(name, 'establish', pipes).filter((argument) => !isFromRequest(argument));
    const target = this.provider.instance as Record<string, Method>;
    const call = (connection: Connection, args: RequestArguments): unknown => {
      for (const argument of fromConnection) {
        args[argument.index] = argument.read(connection.context, connection, undefined, undefined, undefined);
      }
      return target[name]?.(...args);
    };
    if (interceptors.length === 0) return call;
    const createContext = this.#messageContext(name);
    return (connection, args) =>
      new Intercepted(interceptors, createContext(connection, undefined, 'establish'), () => call(connection, args))
        .results;
  }

  recoverEstablish(): ClassHandlers['recoverEstablish'] {
    const name = this.provider.definition.establish;
    if (name === undefined) return () => UNHANDLED;
    const enhancers = this.#enhancers(name);
    const createContext = this.#messageContext(name);
    return (exception, connection) =>
      enhancers.filters.length + enhancers.globalFilters.length === 0
        ? UNHANDLED
        : filterMessageError(enhancers, exception, createContext(connection, undefined, 'establish'));
  }

  message(name: string): MessageHandler {
    const enhancers = this.#enhancers(name);
    const { guards, interceptors, filters, globalFilters } = enhancers;
    const args = this.#arguments(name, 'message', enhancers.pipes);
    const call = compileCall(this.provider.instance, name, args);
    const createContext = this.#messageContext(name);
    const needsContext = guards.length > 0 || interceptors.length > 0 || args.some(({ custom }) => custom);

    const run = (
      connection: Connection,
      payload: unknown,
      host: ExecutionContext | undefined,
      form: MessageForm,
    ): unknown =>
      interceptors.length === 0
        ? call(connection, payload, host, form)
        : new Intercepted(interceptors, host as ExecutionContext, () => call(connection, payload, host, form));
    return {
      invoke: !needsContext
        ? (connection, payload, _pattern, form) => call(connection, payload, undefined, form)
        : (connection, payload, pattern, form) => {
            const host = createContext(connection, payload, pattern, form);
            if (guards.length === 0) return run(connection, payload, host, form);
            const allowed = askGuards(guards, host);
            // Not `continueWith`: most guards answer at once, and a closure for each message would be waste.
            return isPromiseLike(allowed)
              ? allowed.then(() => run(connection, payload, host, form))
              : run(connection, payload, host, form);
          },
      recover: (exception, connection, payload, pattern, form) =>
        filters.length + globalFilters.length === 0
          ? UNHANDLED
          : filterMessageError(enhancers, exception, createContext(connection, payload, pattern, form)),
      name: `${this.provider.definition.metatype.name}.${name}`,
      explain: (error) => this.notes.explain(name, error),
    };
  }

  /** `@OnFinish` and `@OnError` run without enhancers, so that none can prevent the clean-up. */
  withoutEnhancers(
    name: string | undefined,
    stage: 'finish' | 'error',
  ): ((connection: Connection, payload: unknown, message?: FailedMessage) => unknown) | undefined {
    if (name === undefined) return undefined;
    const args = this.#arguments(name, stage, []);
    const call = compileCall(this.provider.instance, name, args);
    const createContext = this.#messageContext(name);
    const needsContext = args.some(({ custom }) => custom);
    return (connection, payload, message) =>
      call(connection, payload, needsContext ? createContext(connection, payload, stage, message) : undefined, message);
  }

  /** The guards that are asked in the handshake. */
  #guards(name: string | undefined, { guards }: Enhancers): readonly CanActivate[] {
    const { finder, provider, contextId, endpoint } = this;
    // The global guards and those of the endpoint are asked once, with the endpoint.
    if (endpoint !== undefined) return finder.findOwn(provider, name, contextId).guards;
    if (contextId === undefined) return guards;
    const first = finder.findFirstGuards(provider, name);
    // What is not surely the same guard is asked, even if that may be once more.
    const asked = first.findIndex((guard, index) => guard !== guards[index]);
    return guards.slice(asked < 0 ? first.length : asked);
  }

  #handshakeContext(): (context: RequestContext, response: () => ServerResponse) => ExecutionContext {
    const { finder } = this;
    const { metatype, establish: name } = this.provider.definition;
    const handler = name === undefined ? establish : this.#prototypeMethod(name);
    return (context, response) =>
      finder.createContext('http', [toControllerRequest(context), response(), undefined], metatype, handler, undefined);
  }

  #enhancers(name: string | undefined): Enhancers {
    const { finder, provider, contextId, endpoint } = this;
    if (endpoint === undefined) return finder.find(provider, name, contextId);
    return surround(finder.find(endpoint, undefined, contextId), finder.findOwn(provider, name, contextId));
  }

  #arguments(name: string, stage: ParameterStage, methodPipes: readonly PipeTransform[]): StageArgument[] {
    const parameters = readParameters(this.provider.definition, name, stage);
    this.notes.note(name, stage, parameters);
    return parameters.map((parameter) => {
      const own = this.finder.parameterPipes(this.provider, parameter.pipes, this.contextId);
      const pipeable = isPipeable(parameter, stage);
      const pipes = pipeable ? pipesFor(parameter, methodPipes, own) : [];
      if (!parameter.isTyped)
        this.notes.noteUntyped(`${this.provider.definition.metatype.name}.${name}`, parameter, pipes);
      return {
        ...compileArgument(parameter, pipes),
        custom: parameter.source === 'custom',
        fromRequest: pipeable,
      };
    });
  }

  /** Metadata belongs to the method of the class, while calls go through the instance, which may be a Proxy. */
  #prototypeMethod(name: string): Method {
    return (this.provider.definition.metatype.prototype as Record<string, Method>)[name] ?? establish;
  }

  #messageContext(
    name: string,
  ): (connection: Connection, payload: unknown, pattern: string, message?: MessageAtHand) => ExecutionContext {
    const { finder } = this;
    const { metatype } = this.provider.definition;
    const handler = this.#prototypeMethod(name);
    return (connection, payload, pattern, message) =>
      finder.createContext('ws', [connection, payload, pattern], metatype, handler, idOf(message, payload));
  }
}
