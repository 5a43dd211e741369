import type { ArgumentsHost, ExecutionContext } from '@nestjs/common';
import { isEndpoint } from './endpoint-definition.js';

/**
 * Tells whether a guard, interceptor, filter or decorator runs for an endpoint of this library: its handshake
 * (`getType() === 'http'`) or one of its messages (`'ws'`). False for controllers and stock gateways.
 */
export function isPlackContext(context: ArgumentsHost): boolean {
  // Hosts given to filters may have no class at all.
  return 'getClass' in context && isEndpoint((context as ExecutionContext).getClass());
}
