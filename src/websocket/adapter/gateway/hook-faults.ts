import { WsException } from '@nestjs/websockets';
import { toReadable } from '../../async/thrown-value.js';
import { describeError } from '../../errors/describe-error.js';
import { isExpected } from '../../errors/peer-error.js';
import { log } from '../../log/log.js';
import type { FailedHook, GatewayFilters } from '../nest/gateway-filters.js';
import { toException } from './gateway.serializer.js';

/** A socket of `ws`, as far as an answer needs it. */
interface Client {
  send(text: string): void;
}

/** Deals with what `handleConnection` or `handleDisconnect` throws, as Nest does for messages. Never rejects. */
export async function recoverHook(filters: GatewayFilters, failed: FailedHook): Promise<void> {
  const { metatype } = failed.gateway;
  const error = toReadable(failed.error);
  try {
    if (await filters.recover({ ...failed, error })) return;
  } catch (fault) {
    log.error('filter', `An exception filter failed for ${metatype.name}.${failed.hook}`, fault);
  }
  if (isExpected(error)) log.debug(metatype.name, () => `${metatype.name}.${failed.hook} refused a client`);
  else log.error(metatype.name, `${metatype.name}.${failed.hook} failed`, error);
  try {
    (failed.args[0] as Client).send(JSON.stringify(toException(publicPartOf(error))));
  } catch (fault) {
    log.error('answer', `An exception of ${metatype.name} could not be sent: ${describeError(fault)}`, fault);
  }
}

/** What Nest's own filter tells a client. */
function publicPartOf(error: unknown): string | object {
  return error instanceof WsException ? error.getError() : 'Internal server error';
}
