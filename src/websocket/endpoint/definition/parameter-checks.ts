import type { Type } from '@nestjs/common';
import { isSharedClass } from '../../copies/shared-class.js';
import { ConfigurationError } from '../../errors/plack-websocket.error.js';
import { NEST_INJECTABLE } from './metadata-keys.js';
import type { Parameter, ParameterStage } from './parameter.js';

/** What undecorated parameters of a stage may be given, in words. */
const GIVEN: Readonly<Record<ParameterStage, string>> = {
  establish: '@OnEstablish gives the connection, the request context and the list of handshake results',
  message: '@OnMessage gives the connection and the message',
  finish: '@OnFinish gives the connection and the FinishInfo',
  error: '@OnError gives the connection, the error and the message that failed',
};

const NOT_A_FINISH_INFO: ReadonlySet<unknown> = new Set([
  String,
  Number,
  Boolean,
  Symbol,
  BigInt,
  Array,
  Date,
  Promise,
]);

/** `Object` is what interfaces, unions and `unknown` leave behind, `Function` what a type-only import does. */
export function isKnownType(type: Type | undefined): type is Type {
  return type !== undefined && (type as unknown) !== Object && (type as unknown) !== Function;
}

/**
 * Refuses an undecorated parameter that can only be wrong at its place.
 * @param method the class and the name of the method, as in `Room.say`
 * @throws ConfigurationError with what to write.
 */
export function refuseMisplaced(parameter: Parameter, method: string, stage: ParameterStage): void {
  const { source, metatype } = parameter;
  const name = `parameter ${parameter.index + 1} of ${method}`;
  const declared = `Parameter ${parameter.index + 1} of ${method} is declared as ${metatype?.name}`;
  if (source === 'nothing') {
    throw new ConfigurationError(
      `Nothing can be given to ${name}: without decorators ${GIVEN[stage]}. ` +
        'Write a decorator before it, such as @Param, or a default value where only your own code passes it.',
    );
  }
  if (!isKnownType(metatype)) return;
  if (stage !== 'finish' && isSharedClass(metatype, 'FinishInfo')) {
    throw new ConfigurationError(`${declared}, which only @OnFinish has: before its end a connection has none.`);
  }
  if (source !== 'payload' && source !== 'results') return;
  if (Reflect.hasOwnMetadata(NEST_INJECTABLE, metatype)) {
    throw new ConfigurationError(
      `${declared}, which is a provider. Inject it into the constructor of ${method.split('.', 1)[0]}.`,
    );
  }
  if (source === 'results' && (metatype as unknown) !== Array) {
    throw new ConfigurationError(
      `${declared} and would be given the list of all handshake results. ` +
        'Write @HandshakeResult(0) before it for the first of them, @Param, @Query or @Headers for a part of the request.',
    );
  }
  if (stage === 'finish' && NOT_A_FINISH_INFO.has(metatype)) {
    throw new ConfigurationError(
      `${declared} and would be given the FinishInfo. Declare it as FinishInfo, which has the code and the reason.`,
    );
  }
}

const PLACED: Partial<Record<Parameter['source'], string>> = {
  connection: 'the connection',
  context: 'the request context',
  results: 'the list of handshake results',
  failedMessage: 'the message that failed',
};

/** Says which parameters of a method were placed by position alone; `undefined` where there are none. */
export function describePlacement(
  parameters: readonly Parameter[],
  method: string,
  stage: ParameterStage,
): string | undefined {
  const placed = parameters.filter(({ byPosition }) => byPosition);
  if (placed.length === 0) return undefined;
  const payload = { establish: '', message: 'the message', finish: 'the FinishInfo', error: 'the error' }[stage];
  const isOne = placed.length === 1;
  return (
    `Parameter${isOne ? '' : 's'} ${list(placed.map(({ index }) => String(index + 1)))} of ${method} ` +
    `${isOne ? 'has' : 'have'} no class that could be told at run time and ${isOne ? 'was' : 'were'} placed by ` +
    `position: ${isOne ? 'it was' : 'they were'} given ${list(placed.map(({ source }) => PLACED[source] ?? payload))}. ` +
    'If that is wrong, write @MessageBody() or @ConnectedSocket() before it, or import its class without "type".'
  );
}

/** The sentence for an application whose compiler writes no types of parameters. */
export function describeMissingTypes(method: string): string {
  return (
    `${method} was compiled without emitDecoratorMetadata, as tsx, esbuild and Vite compile, so the types of parameters ` +
    'are not known: undecorated ones are placed by position alone, (connection, context, results) in @OnEstablish, ' +
    '(connection, message) in @OnMessage, (connection, end) in @OnFinish and (connection, error) in @OnError, and ' +
    'a ValidationPipe knows no class to check by and lets everything through. ' +
    'Write @ConnectedSocket() and @MessageBody() before parameters, with { schema } or a pipe of your own; take context and ' +
    'signal from the connection. Or compile with swc or tsc and emitDecoratorMetadata.'
  );
}

function list(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}
