import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Type } from '@nestjs/common';
import { CleanContext } from '../async/clean-context.js';
import { continueWith, type MaybePromise } from '../async/maybe-promise.js';
import type { ConnectionDrain, ConnectionPorts } from '../connection/connection-ports.js';
import { surround } from '../async/surround.js';
import type { CurrentConnection } from '../connection/current-connection.js';
import { Outbox } from '../connection/outbox.js';
import { ServedConnection } from '../connection/served-connection.js';
import type { ServedEndpoint } from '../endpoint/endpoint.js';
import type { EndpointHandlers } from '../endpoint/pipeline/endpoint-handlers.js';
import { UpgradeRefusedError } from '../errors/plack-websocket.error.js';
import type { ByteLedger } from '../limits/byte-ledger.js';
import type { ConnectionRegistry } from '../registry/connection-registry.js';
import type { RequestContext } from '../request/request-context.js';
import { EndpointStages } from './endpoint-stages.js';
import type { AcceptAnswer, Acceptor } from './establish/acceptor.js';
import { decideHandshake } from './handshake/handshake-stage.js';
import { UpgradeAttempt, type Acceptance, type AttemptPorts, type Decision } from './upgrade-attempt.js';
import type { Admission } from './upgrade/admission.js';
import { PendingUpgrade } from './upgrade/pending-upgrade.js';
import type { Refusal } from './upgrade/refusal.js';

/** What all connections of the module share. */
export interface SharedByAll {
  readonly registry: ConnectionRegistry;
  readonly current: CurrentConnection;
  /** Bytes that wait in all connections together. */
  readonly ledger: ByteLedger;
  readonly drain: ConnectionDrain & { established(endpoint: Type): void };
}

/**
 * The path of a connection: upgrade → handshake → establish → message → finish. This file is the story; the stages are in
 * their folders.
 */
export class ConnectionLifecycle {
  readonly #attempts: AttemptPorts;
  readonly #contexts = new CleanContext();
  readonly #ports = new WeakMap<EndpointHandlers, ConnectionPorts<ServedConnection>>();

  constructor(
    private readonly acceptor: Acceptor,
    refusal: Refusal,
    private readonly shared: SharedByAll,
    admission: Admission,
  ) {
    this.#attempts = { admission, refusal, undecided: new Set() };
  }

  /** Upgrade: a request on the path of an endpoint. Never throws. */
  upgrade(endpoint: ServedEndpoint, context: RequestContext, socket: Duplex, head: Buffer): void {
    const upgrade = new PendingUpgrade(context.raw, socket, head);
    const attempt = new UpgradeAttempt(endpoint, context, upgrade, this.#attempts);
    this.#contexts.run(() => {
      if (!attempt.enter()) return;
      attempt.decide(
        () => this.#surrounded(attempt),
        (acceptance, answer) => this.#establish(attempt, acceptance, answer),
      );
    });
  }

  #surrounded(attempt: UpgradeAttempt): MaybePromise<Decision> {
    const { endpoint, context } = attempt;
    const { around } = endpoint.settings;
    return around === undefined ? this.#handshake(attempt) : surround(around, context, () => this.#handshake(attempt));
  }

  /** Handshake: host, origin, middleware, login and hooks; then guards and the request parameters of `@OnEstablish`. */
  #handshake(attempt: UpgradeAttempt): MaybePromise<Decision> {
    const { endpoint, context, response } = attempt;
    return decideHandshake<Decision>(endpoint.settings, context, response, attempt.httpResponse, (outcome) => {
      if (!outcome.accepted) return outcome;
      context.insistOnClient();
      context.settleHandshake(response.agreedSubprotocol(context), outcome.results);
      return continueWith(endpoint.handlersFor(context, attempt.httpResponse), (handlers) => {
        context.insistOnClient();
        return attempt.ask(handlers);
      });
    });
  }

  /** Establish: the 101 is written, the connection exists, `@OnEstablish` runs. Messages and finish are its stages. */
  #establish(attempt: UpgradeAttempt, { handlers, args, expiresAt }: Acceptance, answer: AcceptAnswer): void {
    const { upgrade, endpoint, context, places } = attempt;
    const { settings } = endpoint;
    let connection: ServedConnection | undefined;
    this.acceptor.accept(upgrade.request, upgrade.socket, upgrade.head, answer, settings, (transport) => {
      const outbox = new Outbox(transport, settings.limits, this.shared.ledger);
      const parts = { id: this.shared.registry.group.createId(), context, outbox, places };
      connection = new ServedConnection(parts, this.#portsOf(handlers, endpoint));
      if (expiresAt !== undefined) connection.reauthenticate(expiresAt);
      return connection;
    });
    if (connection === undefined) return;
    attempt.established();
    context.settle();
    this.shared.drain.established(endpoint.metatype);
    connection.establish(args);
  }

  #portsOf(handlers: EndpointHandlers, { metatype, settings }: ServedEndpoint): ConnectionPorts<ServedConnection> {
    let ports = this.#ports.get(handlers);
    if (ports === undefined) {
      const { registry, ledger, drain, current } = this.shared;
      const stages = new EndpointStages(handlers, current, this.#contexts, settings.around);
      ports = { endpoint: metatype, settings, stages, registry, ledger, drain };
      this.#ports.set(handlers, ports);
    }
    return ports;
  }

  /** Refuses all upgrades that wait for a decision: the application stops. */
  refuseUndecided(): void {
    for (const attempt of [...this.#attempts.undecided]) attempt.giveUp();
  }

  /** Refuses an upgrade that belongs to no endpoint. Never throws. */
  refuse(context: RequestContext, socket: Duplex, error: unknown): void {
    const { admission, refusal } = this.#attempts;
    const upgrade = new PendingUpgrade(context.raw, socket, Buffer.alloc(0));
    upgrade.guard();
    if (upgrade.isGone) socket.destroy();
    else refusal.refuse({ socket, context, cause: error, place: admission.waitIfFree(context) });
  }

  /** Answers a plain HTTP request on the path of an endpoint. */
  respond(context: RequestContext, response: ServerResponse): void {
    const { admission, refusal } = this.#attempts;
    const isGet = context.raw.method === 'GET';
    const error = new UpgradeRefusedError(isGet ? 'upgrade required' : 'method not allowed');
    refusal.respond(response, context, error, admission.waitIfFree(context));
  }
}
