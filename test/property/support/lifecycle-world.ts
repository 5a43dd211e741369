import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { Duplex } from 'node:stream';
import { ByteLedger } from '../../../src/websocket/limits/byte-ledger.js';
import { ConnectionLimits } from '../../../src/websocket/limits/connection-limits.js';
import { ConnectionRegistry } from '../../../src/websocket/registry/connection-registry.js';
import type { Connection } from '../../../src/websocket/connection/connection.js';
import type { ServedConnection } from '../../../src/websocket/connection/served-connection.js';
import { CurrentConnection } from '../../../src/websocket/connection/current-connection.js';
import type { FinishInfo } from '../../../src/websocket/connection/finish-info.js';
import { LimitsOptions } from '../../../src/websocket/limits/limits.options.js';
import { ProxyTrust } from '../../../src/websocket/request/proxy-trust.js';
import { PublicNames } from '../../../src/websocket/request/public-names.js';
import { RequestContext } from '../../../src/websocket/request/request-context.js';
import type { EndpointHandlers } from '../../../src/websocket/endpoint/pipeline/endpoint-handlers.js';
import { UNHANDLED } from '../../../src/websocket/endpoint/pipeline/compiled-filters.js';
import type { EndpointSettings, ServedEndpoint } from '../../../src/websocket/endpoint/endpoint.js';
import { PathPattern } from '../../../src/websocket/routing/path-pattern.js';
import { ConnectionLifecycle } from '../../../src/websocket/lifecycle/connection-lifecycle.js';
import { Drain } from '../../../src/websocket/lifecycle/finish/drain.js';
import { ShutdownOptions } from '../../../src/websocket/lifecycle/finish/shutdown.options.js';
import { Admission } from '../../../src/websocket/lifecycle/upgrade/admission.js';
import { Refusal } from '../../../src/websocket/lifecycle/upgrade/refusal.js';
import { RawSerializer } from '../../../src/websocket/serializer/raw.serializer.js';
import { Gate } from '../../support/journal.js';
import { MemoryAcceptor, type MemoryTransport } from './memory-transport.js';

export const MAX_PENDING = 4;
export const HANDSHAKE_TIMEOUT_MS = 10_000;
export const CLOSE_TIMEOUT_MS = 5_000;

/** The TCP side of an upgrade, without a network. */
class MemorySocket extends Duplex {
  readonly written: Buffer[] = [];

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(chunk);
    done();
  }
}

/** One client of the world, and what the application was called with on its behalf. */
export class Client {
  readonly socket = new MemorySocket();
  readonly request = new IncomingMessage(new Socket());
  handshake: Gate<unknown> | undefined;
  establishing: Gate | undefined;
  connection: ServedConnection | undefined;
  /** Messages whose handler began, in order. */
  readonly begun: string[] = [];
  readonly working: Gate[] = [];
  readonly faults: string[] = [];
  established = 0;
  finished = 0;
  finishing: Gate | undefined;
  end: FinishInfo | undefined;
  sent = 0;
  /** The application closed it, cut it or failed, also after its peer had closed. */
  isRefused = false;

  constructor(readonly name: number) {
    Object.assign(this.request, { method: 'GET', url: '/model', httpVersion: '1.1' });
    const headers = {
      host: 'model',
      upgrade: 'websocket',
      connection: 'Upgrade',
      'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
      'sec-websocket-version': '13',
    };
    for (const [name_, value] of Object.entries(headers)) {
      this.request.headers[name_] = value;
      this.request.rawHeaders.push(name_, value);
    }
  }
}

/** What a client's handshake and handlers do, chosen by the test before they are called. */
export interface Manners {
  readonly handshake: 'accept' | 'refuse' | 'throw' | 'wait';
  readonly establish: 'return' | 'throw' | 'wait' | 'close';
  readonly finish: 'return' | 'throw' | 'wait';
}

/** The lifecycle of connections over an application that waits wherever the test wants it to. */
export class LifecycleWorld {
  readonly acceptor = new MemoryAcceptor();
  readonly registry = new ConnectionRegistry();
  readonly ledger = new ByteLedger(1_000_000);
  readonly clients: Client[] = [];
  readonly limits = new ConnectionLimits({ maxConnections: 1000 }, () => undefined);
  readonly admission: Admission;
  readonly lifecycle: ConnectionLifecycle;
  ended = 0;
  /** Time passed that cuts short what takes too long. */
  isImpatient = false;
  drained: Promise<void> | undefined;
  readonly #drain: Drain;
  readonly #byRequest = new Map<IncomingMessage, { client: Client; manners: Manners }>();

  /** @param application what is different from the application that only notes its calls. */
  constructor(
    readonly concurrency: number,
    private readonly application: Partial<EndpointHandlers & Pick<EndpointSettings, 'serializer'>> = {},
  ) {
    const { registry, ledger, limits } = this;
    this.admission = new Admission({
      registry,
      maxPendingHandshakes: 1000,
      limits,
      eventLoopDelay: undefined,
      maxEventLoopDelayMs: 0,
    });
    this.#drain = new Drain(registry, Object.assign(new ShutdownOptions(), { graceMs: 60_000 }));
    registry.on('finish', () => this.ended++);
    this.lifecycle = new ConnectionLifecycle(
      this.acceptor,
      new Refusal(undefined, HANDSHAKE_TIMEOUT_MS),
      { registry, ledger, drain: this.#drain, current: new CurrentConnection(false) },
      this.admission,
    );
    registry.moveTo('accepting');
  }

  upgrade(manners: Manners): Client {
    const client = new Client(this.clients.length);
    this.clients.push(client);
    this.#byRequest.set(client.request, { client, manners });
    const context = new RequestContext(client.request, '/model', {}, new ProxyTrust(false));
    this.lifecycle.upgrade(this.#endpoint(manners), context, client.socket, Buffer.alloc(0));
    return client;
  }

  transportOf(client: Client): MemoryTransport | undefined {
    return this.acceptor.transports.get(client.request);
  }

  drain(): void {
    this.lifecycle.refuseUndecided();
    this.drained ??= this.#drain.run();
  }

  #clientOf(connection: Connection): { client: Client; manners: Manners } {
    const known = this.#byRequest.get(connection.context.raw);
    if (known === undefined) throw new Error('A connection of nobody.');
    return known;
  }

  #endpoint({ handshake }: Manners): ServedEndpoint {
    const handlers = this.#handlers();
    const settings: EndpointSettings = {
      serializer: this.application.serializer ?? new RawSerializer(),
      handshakes: [
        ({ raw }) => {
          if (handshake === 'accept') return undefined;
          if (handshake === 'refuse') return { status: 403 };
          if (handshake === 'throw') throw new Error('no');
          const gate = new Gate<unknown>();
          const { client } = this.#byRequest.get(raw) ?? {};
          if (client !== undefined) client.handshake = gate;
          return gate.opened as Promise<undefined>;
        },
      ],
      login: undefined,
      expiresAt: undefined,
      origin: 'same-origin',
      protocols: [],
      isProtocolRequired: false,
      host: undefined,
      concurrency: this.concurrency,
      limits: Object.assign(new LimitsOptions(), { maxPendingMessages: MAX_PENDING }),
      names: new PublicNames(),
      connectionLimits: undefined,
      compression: undefined,
      handshakeTimeoutMs: HANDSHAKE_TIMEOUT_MS,
      closeTimeoutMs: CLOSE_TIMEOUT_MS,
      heartbeat: undefined,
      middleware: [],
    };
    const pattern = new PathPattern('/model');
    const served = { name: 'Model', metatype: Object, pattern, settings };
    return { ...served, bootHandlers: handlers, handlersFor: () => handlers, handlersToRecover: () => handlers };
  }

  /** The application: it notes every call, and what may never happen. */
  #handlers(): EndpointHandlers {
    const enter = (connection: Connection, what: string): { client: Client; manners: Manners } => {
      const known = this.#clientOf(connection);
      if (known.client.finished > 0) known.client.faults.push(`${what} after finish`);
      return known;
    };
    return {
      handshake: () => [[]],
      recoverHandshake: () => UNHANDLED,
      recoverEstablish: () => UNHANDLED,
      establish: (connection) => {
        const { client, manners } = enter(connection, 'establish');
        client.connection = connection;
        client.established++;
        client.isRefused = manners.establish === 'throw' || manners.establish === 'close';
        if (manners.establish === 'throw') throw new Error('establish fails');
        if (manners.establish === 'close') connection.close(4000);
        if (manners.establish !== 'wait') return undefined;
        client.establishing = new Gate();
        return client.establishing.opened.finally(() => (client.establishing = undefined));
      },
      anyMessage: {
        recover: () => UNHANDLED,
        invoke: (connection, payload) => {
          const { client } = enter(connection, 'message');
          const message = String(payload);
          if (client.establishing !== undefined) client.faults.push('message during establish');
          if (this.acceptor.transports.get(client.request)?.isClosedByUs === true)
            client.faults.push('message after our close');
          // Only a client that closed politely has its waiting messages handled after the decision.
          const isPolite = this.transportOf(client)?.isClosedByPeer === true;
          if (connection.state !== 'open' && !isPolite) client.faults.push(`message while ${connection.state}`);
          client.begun.push(message);
          if (client.working.length >= this.concurrency) client.faults.push('too many at a time');
          if (message.endsWith('throw')) {
            client.isRefused = true;
            throw new Error('message fails');
          }
          if (message.endsWith('close')) {
            client.isRefused = true;
            connection.close(4001);
            return 'bye';
          }
          if (!message.endsWith('wait')) return undefined;
          const gate = new Gate();
          client.working.push(gate);
          return gate.opened.finally(() => client.working.splice(client.working.indexOf(gate), 1));
        },
      },
      binaryMessage: undefined,
      events: new Map(),
      finish: (connection, end) => {
        const { client, manners } = enter(connection, 'finish');
        if (client.established === 0 || client.establishing !== undefined)
          client.faults.push('finish before establish');
        if (!connection.signal.aborted) client.faults.push('finish before the signal');
        client.finished++;
        client.end = end as FinishInfo;
        if (manners.finish === 'throw') throw new Error('finish fails');
        if (manners.finish !== 'wait') return undefined;
        client.finishing = new Gate();
        return client.finishing.opened;
      },
      error: undefined,
      parts: [],
      ...this.application,
    };
  }
}
