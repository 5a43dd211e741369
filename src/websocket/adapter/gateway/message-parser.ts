import { log } from '../../log/log.js';

/** Reads what a client of a gateway sent: text, or the bytes of a binary message. What it gives is `{ event, data }`, or nothing. */
export type GatewayMessageParser = (data: string | Buffer) => unknown;

function parseJson(data: string | Buffer): unknown {
  return JSON.parse(data.toString());
}

/** How the gateways of an application read messages: one parser for all, as with the stock adapter. */
export class MessageParser {
  #parse: GatewayMessageParser = parseJson;

  use(parse: GatewayMessageParser): void {
    this.#parse = parse;
  }

  /** Gives `undefined` for what cannot be read. That is logged only where the parser is the application's own. */
  read(data: string | Buffer): { readonly event?: unknown; readonly data?: unknown } | undefined {
    try {
      return this.#parse(data) ?? undefined;
    } catch (error) {
      if (this.#parse !== parseJson) log.error('message parser', 'The message parser of the gateways failed', error);
      return undefined;
    }
  }
}
