import { ValidationPipe, type PipeTransform } from '@nestjs/common';
import { describePlacement } from '../definition/parameter-checks.js';
import type { Parameter, ParameterStage } from '../definition/parameter.js';

/** What is worth telling about the parameters of the methods of one class. */
export class ParameterNotes {
  /** Makes the sentence on parameters that were placed by position, for methods that have such. */
  readonly #placements = new Map<string, () => string | undefined>();
  #untyped: string | undefined;

  /** A method that would be called otherwise, or whose messages would be checked, if types of parameters were known. */
  get untyped(): string | undefined {
    return this.#untyped;
  }

  note(method: string, stage: ParameterStage, parameters: readonly Parameter[]): void {
    if (!parameters.some(({ byPosition }) => byPosition)) return;
    this.#placements.set(method, () => describePlacement(parameters, method, stage));
  }

  /** Notes a parameter of a method whose compiler writes no types. */
  noteUntyped(method: string, { byPosition }: Parameter, pipes: readonly PipeTransform[]): void {
    if (byPosition || pipes.some((pipe) => pipe instanceof ValidationPipe)) this.#untyped ??= method;
  }

  /** What to tell beside a `TypeError` of the method; `undefined` where its parameters cannot be the reason. */
  explain(method: string | undefined, error: unknown): string | undefined {
    return error instanceof TypeError && method !== undefined ? this.#placements.get(method)?.() : undefined;
  }
}
