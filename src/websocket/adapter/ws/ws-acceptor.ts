import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type PerMessageDeflateOptions, type ServerOptions } from 'ws';
import type { CompressionOptions } from '../../connection/compression.options.js';
import type { Transport } from '../../connection/transport.js';
import type { TransportListener } from '../../connection/transport-listener.js';
import type { EndpointSettings } from '../../endpoint/endpoint.js';
import { Acceptor, type AcceptAnswer } from '../../lifecycle/establish/acceptor.js';
import { acceptableDeflateOffer } from '../../protocol/extension-offer.js';
import { ConnectionWebSocket } from './connection-websocket.js';
import { FastTransport } from './fast-transport.js';
import { frugalReceiverOf } from './receiver-trial.js';
import { hasParser } from './ws-internals.js';
import { WsTransport } from './ws-transport.js';

/** Pongs that may wait for a peer that pings and does not read. */
const MAX_PENDING_PONGS = 64;

/**
 * Chunks that `ws` keeps of one message before it closes with 1008. Each costs far more than its bytes, and time as well;
 * an honest peer that is slow sends packets, not single bytes.
 */
const MIN_BUFFERED_CHUNKS = 16_384;
const MIN_MEAN_CHUNK_BYTES = 256;

/** Completes upgrades with `ws`: one server without a port for each set of limits. */
export class WsAcceptor extends Acceptor {
  readonly #servers = new Map<EndpointSettings, WebSocketServer>();
  /** What the 101 in the making says; `ws` asks for it within `handleUpgrade`. */
  #answer: AcceptAnswer = { protocol: '', headerLines: [] };

  /** @param fastPath connections without compression may leave the documented way of `ws`. */
  constructor(private readonly fastPath: boolean) {
    super();
  }

  override accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    answer: AcceptAnswer,
    settings: EndpointSettings,
    open: (transport: Transport) => TransportListener,
  ): void {
    this.#answer = answer;
    if (settings.compression !== undefined) offerOnlyWhatCanBeTaken(request);
    this.#serverFor(settings).handleUpgrade(request, socket, head, (websocket) => {
      // The servers below make no other sockets.
      const ws = websocket as ConnectionWebSocket;
      const isKnown = hasParser(ws) && socket instanceof Socket;
      const isFast = this.fastPath && isPlain(settings) && ws.extensions === '' && isKnown;
      const receiver = isFast ? frugalReceiverOf(ws) : undefined;
      const transport = isFast ? new FastTransport(ws, socket, receiver) : new WsTransport(ws, socket as Socket);
      ws.transport = transport;
      ws.listener = open(transport);
      ws.hear(socket, receiver !== undefined);
    });
  }

  #serverFor(settings: EndpointSettings): WebSocketServer {
    const known = this.#servers.get(settings);
    if (known !== undefined) return known;
    const { limits, closeTimeoutMs, compression, ws } = settings;
    const options: ServerOptions & Record<string, unknown> = {
      noServer: true,
      WebSocket: ConnectionWebSocket,
      clientTracking: false,
      perMessageDeflate: compression !== undefined && toDeflateOptions(compression, ws?.deflate),
      maxPayload: limits.maxPayloadBytes,
      maxFragments: limits.maxFragments,
      maxBufferedChunks: Math.max(MIN_BUFFERED_CHUNKS, Math.ceil(limits.maxPayloadBytes / MIN_MEAN_CHUNK_BYTES)),
      maxPendingAutoPongs: MAX_PENDING_PONGS,
      ...ws?.options,
      closeTimeout: closeTimeoutMs,
      handleProtocols: () => (this.#answer.protocol === '' ? false : this.#answer.protocol),
    };
    const server = new WebSocketServer(options);
    server.on('headers', (lines, request) => {
      lines.push(...this.#answer.headerLines);
      ws?.onHeaders(lines, request);
    });
    this.#servers.set(settings, server);
    return server;
  }
}

/** The fast path reads at once and proves that text is UTF-8, also where a gateway asks for something else. */
function isPlain({ ws }: EndpointSettings): boolean {
  return ws?.options['allowSynchronousEvents'] !== false && ws?.options['skipUTF8Validation'] !== true;
}

/** `ws` refuses the whole upgrade for one offer it cannot take, where the RFC wants that offer declined. */
function offerOnlyWhatCanBeTaken({ headers }: IncomingMessage): void {
  const header = headers['sec-websocket-extensions'];
  if (header === undefined) return;
  const offer = acceptableDeflateOffer(header);
  if (offer === undefined) delete headers['sec-websocket-extensions'];
  else headers['sec-websocket-extensions'] = offer;
}

function toDeflateOptions(
  options: CompressionOptions,
  own: PerMessageDeflateOptions | undefined,
): PerMessageDeflateOptions {
  const { thresholdBytes, level, memLevel, contextTakeover, concurrency } = options;
  return {
    threshold: thresholdBytes,
    concurrencyLimit: concurrency,
    serverNoContextTakeover: !contextTakeover,
    clientNoContextTakeover: !contextTakeover,
    ...own,
    zlibDeflateOptions: { level, memLevel, ...own?.zlibDeflateOptions },
  };
}
