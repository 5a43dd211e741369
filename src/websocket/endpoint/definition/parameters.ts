import type { PipeTransform, Type } from '@nestjs/common';
import { isSharedClass } from '../../copies/shared-class.js';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import { readMethod, type DeclaredMethod } from './declared-method.js';
import type { HandlerDefinition } from './endpoint-definition.js';
import {
  HANDSHAKE_RESULT_PARAMETER,
  MESSAGE_ID_PARAMETER,
  NEST_CUSTOM_ARGUMENT,
  NestParameter,
} from './metadata-keys.js';
import { isSchemaTakenForPipe, StandardSchemaPipe } from './nest-features.js';
import type { Parameter, ParameterSource, ParameterStage } from './parameter.js';
import { isKnownType, refuseMisplaced } from './parameter-checks.js';

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
  [MESSAGE_ID_PARAMETER]: 'messageId',
};

/** What undecorated parameters are, in order, as in the originals. */
const POSITIONS: Readonly<Record<ParameterStage, readonly ParameterSource[]>> = {
  establish: ['connection', 'context', 'results'],
  message: ['connection', 'payload'],
  finish: ['connection', 'payload'],
  error: ['connection', 'payload', 'failedMessage'],
};

/**
 * Reads the parameters of a method. Decorated ones say what they are; undecorated ones are resolved by their declared
 * class, the rest by position. A position whose class the declared one cannot be is left out, so
 * `say(message: ChatMessage)` gets the message although the connection would come first. That takes a class: an interface,
 * a union or `unknown` leaves none behind, so there the first undecorated parameter is the connection.
 *
 * Default values, rest parameters and wrappers hide how many parameters there are; there, what the declared ones leave
 * follows them, as a stock gateway passes both.
 *
 * @throws ConfigurationError for a decorator that means nothing on a WebSocket, such as `@Res()`, and for a parameter that
 * can only be wrong at its place.
 */
export function readParameters({ metatype }: HandlerDefinition, method: string, stage: ParameterStage): Parameter[] {
  const declared = readMethod(metatype, method);
  const { types = [], length } = declared;
  const name = `${metatype.name}.${method}`;
  const decorated = readDecorated(declared, name);
  const count = Math.max(types.length, length, ...[...decorated.keys()].map((index) => index + 1));

  const byClass = types.map((type, index) => (decorated.has(index) ? undefined : sourceOfClass(type, stage)));
  const given = new Set([...byClass, ...[...decorated.values()].map((parameter) => parameter.source)]);
  const positions = POSITIONS[stage].filter((source) => !given.has(source));
  const isOpen = declared.types === undefined || length < types.length;
  const parameters: Parameter[] = [];
  for (let index = 0; index < count || (isOpen && positions.length > 0); index++) {
    const parameter = decorated.get(index) ?? {
      ...undecorated(index, types[index], byClass[index], positions),
      byPosition: index < count && byClass[index] === undefined && !isKnownType(types[index]),
      isTyped: declared.types !== undefined,
    };
    // A wrapper of a fixed number of parameters may have more of them than the method.
    const isWanted = index < Math.min(length, declared.types?.length ?? length);
    if (!decorated.has(index) && (isWanted || parameter.source !== 'nothing')) refuseMisplaced(parameter, name, stage);
    parameters.push(parameter);
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
  // A schema that is ignored would be a check that the author believes in and that never happens.
  const Checking = StandardSchemaPipe;
  if (parameter.schema === undefined || Checking === undefined) return pipes;
  if (!pipes.some((pipe) => pipe instanceof Checking)) pipes.push(new Checking({ validateCustomDecorators: true }));
  return pipes;
}

function readDecorated({ decorated, types }: DeclaredMethod, method: string): Map<number, Parameter> {
  const parameters = new Map<number, Parameter>();
  const isTyped = types !== undefined;
  for (const [key, argument] of Object.entries(decorated)) {
    const custom = key.includes(NEST_CUSTOM_ARGUMENT);
    const source = custom ? 'custom' : DECORATED_SOURCES[Number(key.split(':', 1)[0])];
    if (source === undefined) {
      throw new ConfigurationError(
        `Parameter ${argument.index + 1} of ${method} has a decorator that means nothing on a WebSocket. ` +
          'Use @Param, @Query, @Headers, @Ip, @Session, @Cookies, @Body, @MessageBody, @ConnectedSocket, ' +
          '@HandshakeResult, @MessageId or one made by createParamDecorator.',
      );
    }
    if (argument.pipes?.some(isSchemaTakenForPipe) === true) {
      throw new ConfigurationError(
        `Parameter ${argument.index + 1} of ${method} has the option schema, which came with Nest 12: ` +
          'the installed Nest would ignore it, and nothing would be checked. Use a pipe, such as ValidationPipe.',
      );
    }
    parameters.set(argument.index, {
      index: argument.index,
      source,
      data: argument.data,
      pipes: argument.pipes ?? [],
      schema: argument.schema,
      metatype: types?.[argument.index],
      factory: custom ? argument.factory : undefined,
      byPosition: false,
      isTyped,
    });
  }
  return parameters;
}

/** Takes what its class or its position says; the position is then used up. */
function undecorated(
  index: number,
  metatype: Type | undefined,
  byClass: ParameterSource | undefined,
  positions: ParameterSource[],
): Omit<Parameter, 'byPosition' | 'isTyped'> {
  const source = byClass ?? nextPosition(positions, metatype);
  return { index, source, data: undefined, pipes: [], schema: undefined, metatype, factory: undefined };
}

function sourceOfClass(type: Type | undefined, stage: ParameterStage): ParameterSource | undefined {
  if (type === undefined) return undefined;
  if (isSharedClass(type, 'Connection')) return 'connection';
  if (isSharedClass(type, 'RequestContext')) return 'context';
  if (type === AbortSignal) return 'signal';
  if (stage === 'finish' && isSharedClass(type, 'FinishInfo')) return 'payload';
  return undefined;
}

/** A known class is not the connection, nor the context, at any place. */
function nextPosition(positions: ParameterSource[], type: Type | undefined): ParameterSource {
  while (isKnownType(type) && (positions[0] === 'connection' || positions[0] === 'context')) positions.shift();
  return positions.shift() ?? 'nothing';
}
