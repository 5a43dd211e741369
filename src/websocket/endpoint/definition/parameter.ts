import type { ExecutionContext, Type } from '@nestjs/common';

/** Which method a parameter belongs to; decides what undecorated parameters are. */
export type ParameterStage = 'establish' | 'message' | 'finish' | 'error';

/**
 * What a parameter is made from. `connection` and `payload` exist once a connection does; the others come from the
 * upgrade request. `payload` is the message, the `FinishInfo` or the error, by stage; `messageId` and
 * `failedMessage` tell of the message that is handled or failed.
 */
export type ParameterSource =
  | 'connection'
  | 'context'
  | 'signal'
  | 'payload'
  | 'results'
  | 'messageId'
  | 'failedMessage'
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
  /** Nothing but its position told what it is. */
  readonly byPosition: boolean;
  /** The compiler of its class writes types of parameters. */
  readonly isTyped: boolean;
}
