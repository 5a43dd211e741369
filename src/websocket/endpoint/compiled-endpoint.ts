import type { ServerResponse } from 'node:http';
import type { ExecutionContext, PipeTransform } from '@nestjs/common';
import type { Connection } from '../connection/connection.js';
import type { RequestContext } from '../connection/request-context.js';
import { chain, isPromiseLike, type MaybePromise } from '../connection/settle.js';
import { compileArgument, fillArguments, type CompiledArgument } from './compiled-arguments.js';
import { filterHandshakeError, filterMessageError, UNHANDLED, type FilterOutcome } from './compiled-filters.js';
import { askGuards } from './compiled-guards.js';
import { Intercepted } from './compiled-interceptors.js';
import { toControllerRequest } from './controller-request.js';
import type { ConnectionContextId, EndpointHost, EnhancerFinder, Enhancers } from './enhancers.js';
import { isPipeable, pipesFor, readParameters, type ParameterStage } from './parameters.js';

type Method = (...args: unknown[]) => unknown;

/** Values of the parameters of `@OnEstablish` that come from the request; holes where the connection comes in. */
export type EstablishArguments = unknown[];

/** One `@OnMessage` method, ready to run. */
export interface MessageHandler {
  /** Runs guards, interceptors, pipes and the method; throws or rejects with what they throw. */
  invoke(connection: Connection, payload: unknown, pattern: string): unknown;
  /** Gives an exception to the filters. @throws what a filter throws. */
  recover(exception: unknown, connection: Connection, payload: unknown, pattern: string): MaybePromise<FilterOutcome>;
}

/** The methods of one endpoint for one connection, or for all of them when nothing is of request scope. */
export interface EndpointHandlers {
  /** Guards, then the request parameters of `@OnEstablish`, before the 101. Throws or rejects to refuse. */
  admit(context: RequestContext, response: () => ServerResponse): MaybePromise<EstablishArguments>;
  /** Gives an exception of the handshake to the filters. */
  recoverHandshake(exception: unknown, context: RequestContext, response: () => ServerResponse): FilterOutcome;
  readonly establish: ((connection: Connection, args: EstablishArguments) => unknown) | undefined;
  /** Gives an exception of `@OnEstablish` to the filters. @throws what a filter throws. */
  recoverEstablish(exception: unknown, connection: Connection): MaybePromise<FilterOutcome>;
  readonly anyMessage: MessageHandler | undefined;
  readonly binaryMessage: MessageHandler | undefined;
  readonly events: ReadonlyMap<string, MessageHandler>;
  readonly finish: ((connection: Connection, end: unknown) => unknown) | undefined;
  readonly error: ((connection: Connection, error: unknown) => unknown) | undefined;
}

/** Stands in for `@OnEstablish` in the execution context of guards when the class has no such method. */
function establish(): void {}

/**
 * Compiles the methods of an endpoint: what is absent costs nothing later, and what is synchronous stays so.
 *
 * Runs once at boot, or once per connection for an endpoint of request scope.
 */
export function compileEndpoint(
  finder: EnhancerFinder,
  host: EndpointHost,
  instance: object,
  contextId?: ConnectionContextId,
): EndpointHandlers {
  const { definition } = host;
  const compiler = new MethodCompiler(finder, host, instance, contextId);
  const message = (name: string | undefined): MessageHandler | undefined =>
    name === undefined ? undefined : compiler.message(name);
  return {
    ...compiler.handshake(),
    establish: compiler.establish(),
    recoverEstablish: compiler.recoverEstablish(),
    anyMessage: message(definition.anyMessage),
    binaryMessage: message(definition.binaryMessage),
    events: new Map([...definition.events].map(([event, name]) => [event, compiler.message(name)])),
    finish: compiler.plain(definition.finish, 'finish'),
    error: compiler.plain(definition.error, 'error'),
  };
}

class MethodCompiler {
  constructor(
    private readonly finder: EnhancerFinder,
    private readonly host: EndpointHost,
    private readonly instance: object,
    private readonly contextId: ConnectionContextId | undefined,
  ) {}

  handshake(): Pick<EndpointHandlers, 'admit' | 'recoverHandshake'> {
    const { finder } = this;
    const { metatype, establish: name } = this.host.definition;
    const enhancers = this.#enhancers(name);
    const args = name === undefined ? [] : this.#arguments(name, 'establish', enhancers.pipes).filter(isFromRequest);
    const handler = name === undefined ? establish : this.#prototypeMethod(name);
    const needsContext = enhancers.guards.length > 0 || args.some(({ custom }) => custom);
    const createContext = (context: RequestContext, response: () => ServerResponse): ExecutionContext =>
      finder.createContext('http', [toControllerRequest(context), response(), undefined], metatype, handler);
    return {
      admit(context, response) {
        const host = needsContext ? createContext(context, response) : undefined;
        const allowed = host === undefined ? undefined : askGuards(enhancers.guards, host);
        return chain(allowed, () => fillArguments([], args, context, undefined, undefined, host));
      },
      recoverHandshake(exception, context, response) {
        if (enhancers.filters.length + enhancers.globalFilters.length === 0) return UNHANDLED;
        return filterHandshakeError(enhancers, exception, createContext(context, response));
      },
    };
  }

  establish(): EndpointHandlers['establish'] {
    const name = this.host.definition.establish;
    if (name === undefined) return undefined;
    const { interceptors, pipes } = this.#enhancers(name);
    const late = this.#arguments(name, 'establish', pipes).filter((argument) => !isFromRequest(argument));
    const target = this.instance as Record<string, Method>;
    const call = (connection: Connection, args: EstablishArguments): unknown => {
      for (const argument of late) {
        args[argument.index] = argument.extract(connection.context, connection, undefined, undefined);
      }
      return target[name]?.(...args);
    };
    if (interceptors.length === 0) return call;
    const createContext = this.#messageContext(name);
    return (connection, args) =>
      new Intercepted(interceptors, createContext(connection, undefined, 'establish'), () => call(connection, args))
        .results;
  }

  recoverEstablish(): EndpointHandlers['recoverEstablish'] {
    const name = this.host.definition.establish;
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
    const call = compileCall(this.instance, name, args);
    const createContext = this.#messageContext(name);
    const needsContext = guards.length > 0 || interceptors.length > 0 || args.some(({ custom }) => custom);

    const run = (connection: Connection, payload: unknown, host: ExecutionContext | undefined): unknown =>
      interceptors.length === 0
        ? call(connection, payload, host)
        : new Intercepted(interceptors, host as ExecutionContext, () => call(connection, payload, host));
    return {
      invoke: !needsContext
        ? (connection, payload) => call(connection, payload, undefined)
        : (connection, payload, pattern) => {
            const host = createContext(connection, payload, pattern);
            if (guards.length === 0) return run(connection, payload, host);
            const allowed = askGuards(guards, host);
            return isPromiseLike(allowed)
              ? allowed.then(() => run(connection, payload, host))
              : run(connection, payload, host);
          },
      recover: (exception, connection, payload, pattern) =>
        filters.length + globalFilters.length === 0
          ? UNHANDLED
          : filterMessageError(enhancers, exception, createContext(connection, payload, pattern)),
    };
  }

  /** `@OnFinish` and `@OnError`: no enhancer may stand between the end and its clean-up. */
  plain(
    name: string | undefined,
    stage: 'finish' | 'error',
  ): ((connection: Connection, payload: unknown) => unknown) | undefined {
    if (name === undefined) return undefined;
    const args = this.#arguments(name, stage, []);
    const call = compileCall(this.instance, name, args);
    const createContext = this.#messageContext(name);
    const needsContext = args.some(({ custom }) => custom);
    return (connection, payload) =>
      call(connection, payload, needsContext ? createContext(connection, payload, stage) : undefined);
  }

  #enhancers(name: string | undefined): Enhancers {
    return this.finder.find(this.host, this.instance, name, this.contextId);
  }

  #arguments(name: string, stage: ParameterStage, methodPipes: readonly PipeTransform[]): StageArgument[] {
    return readParameters(this.host.definition, name, stage).map((parameter) => {
      const own = this.finder.parameterPipes(this.host, parameter.pipes, this.contextId);
      const pipeable = isPipeable(parameter, stage);
      const pipes = pipeable ? pipesFor(parameter, methodPipes, own) : [];
      return {
        ...compileArgument(parameter, pipes),
        custom: parameter.source === 'custom',
        fromRequest: pipeable,
      };
    });
  }

  /** Metadata stands on the method of the class, while calls go through the instance, which may be a Proxy. */
  #prototypeMethod(name: string): Method {
    return (this.host.definition.metatype.prototype as Record<string, Method>)[name] ?? establish;
  }

  #messageContext(name: string): (connection: Connection, payload: unknown, pattern: string) => ExecutionContext {
    const { finder } = this;
    const { metatype } = this.host.definition;
    const handler = this.#prototypeMethod(name);
    return (connection, payload, pattern) =>
      finder.createContext('ws', [connection, payload, pattern], metatype, handler);
  }
}

interface StageArgument extends CompiledArgument {
  /** Made by `createParamDecorator`, so it needs an execution context. */
  readonly custom: boolean;
  /** Sent by the client with the request, and made from it before the 101. */
  readonly fromRequest: boolean;
}

function isFromRequest(argument: StageArgument): boolean {
  return argument.fromRequest;
}

type Call = (connection: Connection, payload: unknown, host: ExecutionContext | undefined) => unknown;

/** A call whose arguments are at hand, and few, makes no array; anything else fills one. */
function compileCall(instance: object, name: string, args: readonly StageArgument[]): Call {
  const target = instance as Record<string, Method>;
  // Nest awaits what an asynchronous custom decorator gives, so those go the long way, as pipes do.
  if (args.length > 3 || args.some(({ pipe, custom }) => pipe !== undefined || custom)) {
    return (connection, payload, host) => {
      const filled = fillArguments(
        new Array<unknown>(args.length),
        args,
        connection.context,
        connection,
        payload,
        host,
      );
      return isPromiseLike(filled) ? filled.then((values) => target[name]?.(...values)) : target[name]?.(...filled);
    };
  }
  const [first, second, third] = args;
  if (first === undefined) return () => target[name]?.();
  if (second === undefined) {
    return (connection, payload, host) => target[name]?.(first.extract(connection.context, connection, payload, host));
  }
  if (third === undefined) {
    return (connection, payload, host) => {
      const { context } = connection;
      return target[name]?.(
        first.extract(context, connection, payload, host),
        second.extract(context, connection, payload, host),
      );
    };
  }
  return (connection, payload, host) => {
    const { context } = connection;
    return target[name]?.(
      first.extract(context, connection, payload, host),
      second.extract(context, connection, payload, host),
      third.extract(context, connection, payload, host),
    );
  };
}
