import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import { hasHandlers } from './definition/endpoint-part.js';

/**
 * Tells whether a guard, interceptor, filter or decorator runs for an endpoint of this library or a part of one: its handshake
 * (`getType() === 'http'`) or one of its messages (`'ws'`). False for controllers and stock gateways.
 */
export function isPlackContext(context: ArgumentsHost): boolean {
  // Hosts given to filters may have no class at all.
  return 'getClass' in context && hasHandlers((context as ExecutionContext).getClass());
}
