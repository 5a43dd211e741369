import type { PeerError } from '../../errors/peer-error.js';
import { JsonSerializer } from '../../serializer/json.serializer.js';
import type { MessageForm } from '../../serializer/message-form.js';
import { Serializer } from '../../serializer/serializer.js';

/** The wire format of stock gateways: JSON text, errors as Nest's filter tells them; what comes in is left to their parser. */
export class GatewaySerializer extends Serializer {
  override readonly name = 'gateway';
  readonly #json = new JsonSerializer();

  override encode(value: unknown, form: MessageForm): string {
    return form.kind === 'error'
      ? this.#json.encode(toException((value as PeerError).message))
      : this.#json.encode(value, form);
  }

  override decode(data: string | Buffer): string | Buffer {
    return data;
  }
}

/** What clients of a gateway get when something fails. */
export function toException(error: string | object): object {
  return { event: 'exception', data: typeof error === 'object' ? error : { status: 'error', message: error } };
}
