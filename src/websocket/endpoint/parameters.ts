import type { ExecutionContext, PipeTransform, Type } from '@nestjs/common';
import { StandardSchemaValidationPipe } from '@nestjs/common';
import { Connection } from '../connection/connection.js';
import { FinishInfo } from '../connection/finish-info.js';
import { RequestContext } from '../connection/request-context.js';
import { ConfigurationError } from '../errors/plack-websocket.error.js';
import type { EndpointDefinition } from './endpoint-definition.js';
import {
  HANDSHAKE_RESULT_PARAMETER,
  NEST_CUSTOM_ARGUMENT,
  NEST_PARAMETER_TYPES,
  NEST_ROUTE_ARGUMENTS,
  NestParameter,
} from './metadata-keys.js';

/** Which method a parameter belongs to; decides what undecorated parameters are. */
export type ParameterStage = 'establish' | 'message' | 'finish' | 'error';

/**
 * What a parameter is made from. `connection` and `payload` exist once a connection does; the others come from the
 * upgrade request. `payload` is the message, the `FinishInfo` or the error, whatever the stage is about.
 */
export type ParameterSource =
  | 'connection'
  | 'context'
  | 'signal'
  | 'payload'
  | 'results'
  | 'param'
  | 'query'
  | 'headers'
  | 'cookies'
  | 'session'
  | 'ip'
  | 'custom'
  | 'nothing';

/** One parameter of a method, as its decorators and types describe it. */
export interface Parameter {
  readonly index: number;
  readonly source: ParameterSource;
  /** Property to pick, such as the name of a header; `undefined` for the whole. */
  readonly data: unknown;
  /** Pipes of this parameter alone, as given to its decorator. */
  readonly pipes: readonly unknown[];
  readonly schema: unknown;
  /** Declared class, `Object` for interfaces, `undefined` without type information. */
  readonly metatype: Type | undefined;
  /** Factory of a decorator made by `createParamDecorator`. */
  readonly factory: ((data: unknown, context: ExecutionContext) => unknown) | undefined;
}

interface RouteArgument {
  readonly index: number;
  readonly data?: unknown;
  readonly pipes?: readonly unknown[];
  readonly schema?: unknown;
  readonly factory?: Parameter['factory'];
}

/** What the numbers of Nest's parameter decorators mean for us. */
const DECORATED_SOURCES: Readonly<Record<number, ParameterSource>> = {
  [NestParameter.connectedSocket]: 'connection',
  [NestParameter.messageBody]: 'payload',
  [NestParameter.query]: 'query',
  [NestParameter.param]: 'param',
  [NestParameter.headers]: 'headers',
  [NestParameter.session]: 'session',
  [NestParameter.ip]: 'ip',
  [NestParameter.cookies]: 'cookies',
  [HANDSHAKE_RESULT_PARAMETER]: 'results',
};

/** What undecorated parameters are, in order, as in the originals. */
const POSITIONS: Readonly<Record<ParameterStage, readonly ParameterSource[]>> = {
  establish: ['connection', 'context', 'results'],
  message: ['connection', 'payload'],
  finish: ['connection', 'payload'],
  error: ['connection', 'payload'],
};

/**
 * Reads the parameters of a method. Decorated ones say what they are; undecorated ones are resolved by their declared
 * class, the rest by position. A position whose class the declared one cannot be is left out, so
 * `say(message: ChatMessage)` gets the message although the connection would come first. That takes a class: an interface,
 * a union or `unknown` leaves none behind, so there the first undecorated parameter is the connection.
 *
 * @throws ConfigurationError for a decorator that means nothing on a WebSocket, such as `@Res()`.
 */
export function readParameters(definition: EndpointDefinition, method: string, stage: ParameterStage): Parameter[] {
  const { metatype } = definition;
  const types = (Reflect.getMetadata(NEST_PARAMETER_TYPES, metatype.prototype as object, method) ?? []) as (
    Type | undefined
  )[];
  const decorated = readDecorated(metatype, method, types);
  const declared = metatype.prototype as Record<string, { length: number } | undefined>;
  const count = Math.max(
    types.length,
    declared[method]?.length ?? 0,
    ...[...decorated.keys()].map((index) => index + 1),
  );

  const byClass = types.map((type, index) => (decorated.has(index) ? undefined : sourceOfClass(type, stage)));
  const given = new Set([...byClass, ...[...decorated.values()].map((parameter) => parameter.source)]);
  const positions = POSITIONS[stage].filter((source) => !given.has(source));
  const parameters: Parameter[] = [];
  for (let index = 0; index < count; index++) {
    const type = types[index];
    const source = byClass[index];
    parameters.push(decorated.get(index) ?? undecorated(index, source ?? nextPosition(positions, type), type));
  }
  return parameters;
}

/**
 * Tells whether pipes see a parameter: the same ones as in a controller, so neither headers nor what the application
 * made itself, such as the session, the results of the handshake or the connection.
 */
export function isPipeable(parameter: Parameter, stage: ParameterStage): boolean {
  switch (parameter.source) {
    case 'param':
    case 'query':
    case 'cookies':
    case 'custom':
      return true;
    case 'payload':
      return stage === 'message';
    default:
      return false;
  }
}

/** Pipes that run on a parameter: the method's, its own, and a schema check if it has a schema that no pipe checks. */
export function pipesFor(
  parameter: Parameter,
  methodPipes: readonly PipeTransform[],
  ownPipes: readonly PipeTransform[],
): readonly PipeTransform[] {
  const pipes = [...methodPipes, ...ownPipes];
  // A schema that nobody looks at would be a check the author believes in and that never happens.
  if (parameter.schema !== undefined && !pipes.some((pipe) => pipe instanceof StandardSchemaValidationPipe)) {
    pipes.push(new StandardSchemaValidationPipe({ validateCustomDecorators: true }));
  }
  return pipes;
}

function readDecorated(metatype: Type, method: string, types: readonly (Type | undefined)[]): Map<number, Parameter> {
  const metadata = (Reflect.getMetadata(NEST_ROUTE_ARGUMENTS, metatype, method) ?? {}) as Record<string, RouteArgument>;
  const decorated = new Map<number, Parameter>();
  for (const [key, argument] of Object.entries(metadata)) {
    const custom = key.includes(NEST_CUSTOM_ARGUMENT);
    const source = custom ? 'custom' : DECORATED_SOURCES[Number(key.split(':', 1)[0])];
    if (source === undefined) {
      throw new ConfigurationError(
        `Parameter ${argument.index} of ${metatype.name}.${method} has a decorator that means nothing on a WebSocket. ` +
          'Use @Param, @Query, @Headers, @Ip, @Session, @Cookies, @Body, @MessageBody, @ConnectedSocket, ' +
          '@HandshakeResult or one made by createParamDecorator.',
      );
    }
    decorated.set(argument.index, {
      index: argument.index,
      source,
      data: argument.data,
      pipes: argument.pipes ?? [],
      schema: argument.schema,
      metatype: types[argument.index],
      factory: custom ? argument.factory : undefined,
    });
  }
  return decorated;
}

function undecorated(index: number, source: ParameterSource, metatype: Type | undefined): Parameter {
  return { index, source, data: undefined, pipes: [], schema: undefined, metatype, factory: undefined };
}

function sourceOfClass(type: Type | undefined, stage: ParameterStage): ParameterSource | undefined {
  if (type === undefined) return undefined;
  if (type === Connection) return 'connection';
  if (type === RequestContext) return 'context';
  if (type === AbortSignal) return 'signal';
  if (stage === 'finish' && type === FinishInfo) return 'payload';
  return undefined;
}

function nextPosition(positions: ParameterSource[], type: Type | undefined): ParameterSource {
  // `Object` is what interfaces, unions and `unknown` leave behind, `Function` what a type-only import does: it may be
  // anything.
  const unknownType = type === undefined || (type as unknown) === Object || (type as unknown) === Function;
  while (!unknownType && (positions[0] === 'connection' || positions[0] === 'context')) positions.shift();
  return positions.shift() ?? 'nothing';
}
