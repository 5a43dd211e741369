import * as common from '@nestjs/common';
import type { PipeTransform, Type } from '@nestjs/common';

/*
 * What Nest 10 and 11 do not have. A named import of it would end the load of this library there, so it is looked up.
 */

type SchemaPipe = Type<PipeTransform> & (new (options: { validateCustomDecorators: boolean }) => PipeTransform);

/** The pipe that checks a value against a Standard Schema; it came with Nest 12, together with the option `schema`. */
export const StandardSchemaPipe: SchemaPipe | undefined =
  'StandardSchemaValidationPipe' in common ? (common.StandardSchemaValidationPipe as SchemaPipe) : undefined;

/** Tells whether a decorator was given `{ schema }`, which Nest 10 and 11 take for a pipe and then ignore. */
export function isSchemaTakenForPipe(pipe: unknown): boolean {
  return typeof pipe === 'object' && pipe !== null && 'schema' in pipe && !('transform' in pipe);
}
