import { JsonSerializer } from '../serializer/json.serializer.js';
import { Serializer } from '../serializer/serializer.js';

/** The wire format of stock gateways: replies are JSON text, what comes in is left to the gateway's own parser. */
export class GatewaySerializer extends Serializer {
  readonly #json = new JsonSerializer();

  override encode(value: unknown): string {
    return this.#json.encode(value);
  }

  override decode(data: string | Buffer): string | Buffer {
    return data;
  }
}
