import { errorMonitor } from 'node:events';
import { WebSocket } from 'ws';
import type { TransportListener } from '../../connection/transport-listener.js';
import { CloseCode } from '../../protocol/close-code.js';
import type { WsTransport } from './ws-transport.js';

/**
 * The `ws` socket of a connection: what it emits goes there first, and what the transport holds back leaves before any
 * frame of its own. It knows whose it is by fields; listeners and closures would be kept for every connection.
 */
export class ConnectionWebSocket extends WebSocket {
  transport?: WsTransport;
  listener?: TransportListener;

  /** What the peer and the socket say goes to the connection first, then to whoever else listens. */
  override emit(event: string | symbol, ...args: unknown[]): boolean {
    const isHeard = this.listenerCount(event) > 0;
    if (event === 'message') {
      const message = toMessage(args[0]);
      this.transport?.beginMessage();
      if (message === undefined) this.close(CloseCode.unsupportedData, "binaryType 'blob' is not supported");
      else this.listener?.onMessage(message, args[1] as boolean);
      this.transport?.endMessage();
    } else if (event === 'close') {
      this.listener?.onClose(args[0] as number, String(args[1]));
    } else if (event === 'error') {
      this.listener?.onError(args[0] as Error, closeCodeOf((args[0] as NodeJS.ErrnoException).code));
      // Without a listener an error would be thrown, and it has been heard here.
      if (!isHeard) return super.emit(errorMonitor, ...args);
    }
    return isHeard && super.emit(event, ...args);
  }

  override close(code?: number, data?: string | Buffer): void {
    this.transport?.seal();
    super.close(code, data);
  }

  override terminate(): void {
    this.transport?.seal();
    super.terminate();
  }

  override pong(...args: unknown[]): void {
    this.transport?.flush();
    super.pong(...(args as Parameters<WebSocket['pong']>));
  }

  override ping(...args: unknown[]): void {
    this.transport?.flush();
    super.ping(...(args as Parameters<WebSocket['ping']>));
  }

  override send(...args: unknown[]): void {
    this.transport?.flush();
    super.send(...(args as Parameters<WebSocket['send']>));
  }
}

/**
 * `ws` gives binary data in the form that the application may have set as `raw.binaryType` for listeners of its own.
 * `undefined` for a `Blob`: it can only be read later, when the order of messages is lost.
 */
function toMessage(data: unknown): string | Buffer | undefined {
  if (typeof data === 'string' || Buffer.isBuffer(data)) return data;
  if (Array.isArray(data)) return Buffer.concat(data as Buffer[]);
  return data instanceof ArrayBuffer ? Buffer.from(data) : undefined;
}

/** The close code `ws` answers a fault with; its `'close'` event says 1006 whatever it sent. */
function closeCodeOf(code: string | undefined): number {
  switch (code) {
    case 'WS_ERR_INVALID_UTF8':
    case 'Z_DATA_ERROR':
    case 'Z_BUF_ERROR':
    case 'Z_STREAM_ERROR':
    case 'Z_NEED_DICT':
      return CloseCode.invalidPayload;
    case 'WS_ERR_UNSUPPORTED_MESSAGE_LENGTH':
    case 'WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH':
      return CloseCode.messageTooBig;
    case 'WS_ERR_TOO_MANY_BUFFERED_PARTS':
      return CloseCode.policyViolation;
    default:
      return code?.startsWith('WS_ERR_') === true ? CloseCode.protocolError : 1006;
  }
}
