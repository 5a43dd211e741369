import { createParamDecorator, type ExecutionContext } from '@nestjs/common';
import { Connection, isPlackContext } from '../../src/index.js';

/** What the factory of a custom decorator sees: its data, the type, the handler, and what comes first. */
export const Seen = createParamDecorator((data: string | undefined, context: ExecutionContext) => ({
  data,
  type: context.getType(),
  handler: context.getHandler().name,
  plack: isPlackContext(context),
  first: context.getArgByIndex<unknown>(0) instanceof Connection ? 'connection' : 'request',
}));

/** A custom decorator whose factory is asynchronous. */
export const Later = createParamDecorator(async () => 'later');
