import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import { Logger } from '@nestjs/common';
import { Connection } from '../connection/connection.js';
import { createConnectionId } from '../connection/connection-id.js';
import { retryAfter } from '../connection/connection-limits.js';
import { toEpochMs } from '../connection/expiry.js';
import { Outbox } from '../connection/outbox.js';
import type { RequestContext } from '../connection/request-context.js';
import { isPromiseLike, type MaybePromise } from '../connection/settle.js';
import type { EndpointHandlers, EstablishArguments } from '../endpoint/compiled-endpoint.js';
import type { ServedEndpoint } from '../endpoint/endpoint.js';
import type { HttpReply } from '../errors/http-reply.js';
import { describe } from '../errors/describe-error.js';
import { UpgradeRefusedError } from '../errors/plack-websocket.error.js';
import type { Acceptor } from './establish/acceptor.js';
import { AcceptResponse } from './handshake/accept-response.js';
import { decideHandshake, preferredSubprotocol, type HandshakeOutcome } from './handshake/handshake-stage.js';
import { AnsweredByMiddleware, concludeMiddleware } from './handshake/middleware.js';
import { UpgradeResponse } from './handshake/upgrade-response.js';
import { MessageStage } from './message/message-stage.js';
import { OpenConnection, type ConnectionSurroundings, type Service } from './open-connection.js';
import type { Admission, Entry } from './upgrade/admission.js';
import { checkUpgrade } from './upgrade/check-upgrade.js';
import { toAnswer, writeAnswer, writeRawAnswer } from './upgrade/http-answer.js';
import { PendingUpgrade } from './upgrade/pending-upgrade.js';
import type { Refusal } from './upgrade/refusal.js';

const logger = new Logger('PlackWebSocket');

/** One upgrade on its way to a connection. */
interface Attempt {
  readonly upgrade: PendingUpgrade;
  readonly endpoint: ServedEndpoint;
  readonly context: RequestContext;
  readonly response: AcceptResponse;
  /** Its places among the other connections; given back when it fails or the connection is over. */
  readonly entry: Entry;
  /** The HTTP response that guards and filters see; made when one of them is there. */
  httpResponse: UpgradeResponse | undefined;
  handlers: EndpointHandlers | undefined;
  /** Answered or given up: whatever comes later changes nothing. */
  settled: boolean;
}

/** A decision to accept, with what `@OnEstablish` is going to be called with. */
interface Acceptance {
  readonly handlers: EndpointHandlers;
  readonly args: EstablishArguments;
  readonly expiresAt: number | undefined;
}

/** A refusal that the hook wrote itself. */
class OwnReply {
  constructor(readonly reply: Parameters<typeof toAnswer>[0] | string) {}
}

/**
 * The path of a connection: upgrade → handshake → establish → message → finish. This file is the story; the stages
 * stand in their folders.
 */
export class ConnectionLifecycle {
  readonly #undecided = new Set<() => void>();
  readonly #services = new WeakMap<EndpointHandlers, Service>();

  constructor(
    private readonly acceptor: Acceptor,
    private readonly refusal: Refusal,
    private readonly surroundings: ConnectionSurroundings & { readonly established: () => void },
    private readonly admission: Admission,
  ) {}

  /** Takes an upgrade on the path of an endpoint. Never throws. */
  upgrade(endpoint: ServedEndpoint, context: RequestContext, socket: Duplex, head: Buffer): void {
    const upgrade = new PendingUpgrade(context.raw, socket, head);
    let entry: Entry;
    try {
      this.admission.checkState();
      checkUpgrade(context.raw);
      entry = this.admission.enter(context, endpoint.settings.connectionLimits);
    } catch (error) {
      upgrade.guard();
      void this.refusal.refuse(socket, context, error);
      return;
    }
    const attempt: Attempt = {
      upgrade,
      endpoint,
      context,
      response: new AcceptResponse(preferredSubprotocol(endpoint.settings.protocols, context)),
      entry,
      httpResponse: undefined,
      handlers: undefined,
      settled: false,
    };
    let decision: MaybePromise<Acceptance | OwnReply>;
    try {
      decision = this.#decide(attempt);
    } catch (error) {
      this.#refuse(attempt, error);
      return;
    }
    if (isPromiseLike(decision)) this.#await(attempt, decision);
    else this.#conclude(attempt, decision);
  }

  /** Refuses everybody who is still waiting for a decision: the application stops. */
  refuseUndecided(): void {
    for (const refuse of [...this.#undecided]) refuse();
  }

  /** Refuses an upgrade that belongs to no endpoint. Never throws. */
  refuse(context: RequestContext, socket: Duplex, error: unknown): void {
    const upgrade = new PendingUpgrade(context.raw, socket, Buffer.alloc(0));
    upgrade.guard();
    if (!upgrade.isGone) void this.refusal.refuse(socket, context, error);
  }

  /** Answers a plain HTTP request on the path of an endpoint. */
  respond(context: RequestContext, response: ServerResponse): void {
    const error =
      context.raw.method === 'GET'
        ? new UpgradeRefusedError('upgrade required')
        : new UpgradeRefusedError('method not allowed');
    void this.refusal.respond(response, context, error);
  }

  /** Handshake: origin, login and hook, then guards and the request parameters of `@OnEstablish`. */
  #decide(attempt: Attempt): MaybePromise<Acceptance | OwnReply> {
    const { endpoint, context, response } = attempt;
    const outcome = decideHandshake(endpoint.settings, context, response, () => this.#httpResponse(attempt));
    return isPromiseLike(outcome)
      ? outcome.then((decided) => this.#admit(attempt, decided))
      : this.#admit(attempt, outcome);
  }

  #admit(attempt: Attempt, decided: HandshakeOutcome): MaybePromise<Acceptance | OwnReply> {
    const { endpoint, context, response } = attempt;
    if (!decided.accepted) return new OwnReply(decided.reply);
    if (attempt.settled) throw new UpgradeRefusedError('invalid request', 'the client left');
    context.settleHandshake(response.agreedSubprotocol(context), decided.results);
    const handlers = endpoint.handlersFor(context);
    return isPromiseLike(handlers)
      ? handlers.then((loaded) => this.#askGuards(attempt, loaded))
      : this.#askGuards(attempt, handlers);
  }

  #askGuards(attempt: Attempt, handlers: EndpointHandlers): MaybePromise<Acceptance> {
    const { context } = attempt;
    attempt.handlers = handlers;
    const args = handlers.admit(context, () => this.#httpResponse(attempt));
    return isPromiseLike(args)
      ? args.then((resolved) => this.#accept(attempt, handlers, resolved))
      : this.#accept(attempt, handlers, args);
  }

  #accept({ entry, context, response }: Attempt, handlers: EndpointHandlers, args: EstablishArguments): Acceptance {
    entry.identify(context);
    return { handlers, args, expiresAt: readExpiry(response, context) };
  }

  /** An asynchronous handshake: bounded in number and time, and over at once when the client leaves. */
  #await(attempt: Attempt, decision: Promise<Acceptance | OwnReply>): void {
    const { upgrade, endpoint } = attempt;
    const decided = this.admission.wait();
    const { handshakeTimeoutMs } = endpoint.settings;
    const timer =
      handshakeTimeoutMs > 0
        ? setTimeout(
            () => settle(() => this.#refuse(attempt, new UpgradeRefusedError('handshake timeout'))),
            handshakeTimeoutMs,
          )
        : undefined;
    const settle = (then: () => void): void => {
      if (attempt.settled) return;
      clearTimeout(timer);
      decided();
      this.#undecided.delete(giveUp);
      upgrade.release();
      then();
      attempt.settled = true;
    };
    const giveUp = (): void =>
      settle(() =>
        this.#refuse(attempt, new UpgradeRefusedError('not accepting', 'not accepting', { headers: retryAfter() })),
      );
    this.#undecided.add(giveUp);
    upgrade.watch(() => settle(() => attempt.entry.release()));
    decision.then(
      (acceptance) => settle(() => this.#conclude(attempt, acceptance)),
      (error: unknown) => settle(() => this.#refuse(attempt, error)),
    );
  }

  #conclude(attempt: Attempt, decision: Acceptance | OwnReply): void {
    const { upgrade, entry } = attempt;
    if (upgrade.isGone) {
      entry.release();
      upgrade.guard();
      upgrade.socket.destroy();
      return;
    }
    try {
      // The state may have changed while the handshake was decided.
      this.admission.checkState();
    } catch (error) {
      this.#refuse(attempt, error);
      return;
    }
    if (decision instanceof OwnReply) this.#refuseWith(attempt, decision.reply);
    else this.#establish(attempt, decision);
  }

  /** Establish: the 101 is written, the connection exists, `@OnEstablish` runs. */
  #establish(attempt: Attempt, { handlers, args, expiresAt }: Acceptance): void {
    const { upgrade, endpoint, context, response, httpResponse, entry } = attempt;
    const { surroundings } = this;
    if (httpResponse !== undefined && endpoint.settings.middleware.length > 0) concludeMiddleware(httpResponse);
    const answer = {
      protocol: context.protocol,
      headerLines:
        httpResponse === undefined ? response.headerLines : [...httpResponse.headerLines, ...response.headerLines],
    };
    let open: OpenConnection | undefined;
    this.acceptor.accept(upgrade.request, upgrade.socket, upgrade.head, answer, endpoint.settings, (transport) => {
      const connection = new Connection({
        id: createConnectionId(),
        endpoint: endpoint.metatype,
        context,
        serializer: endpoint.settings.serializer,
        outbox: new Outbox(transport, endpoint.settings.limits, surroundings.budget),
        home: surroundings.registry,
      });
      if (expiresAt !== undefined) connection.reauthenticate(expiresAt);
      open = new OpenConnection(connection, this.#serviceOf(handlers, endpoint), entry);
      return open;
    });
    if (open === undefined) {
      upgrade.guard();
      entry.release();
      return;
    }
    upgrade.handOver();
    context.keepPeer();
    surroundings.established();
    open.establish(args);
  }

  #serviceOf(handlers: EndpointHandlers, { settings }: ServedEndpoint): Service {
    let service = this.#services.get(handlers);
    if (service === undefined) {
      service = { handlers, stage: new MessageStage(handlers), settings, surroundings: this.surroundings };
      this.#services.set(handlers, service);
    }
    return service;
  }

  #refuse(attempt: Attempt, error: unknown): void {
    const { upgrade, context, entry } = attempt;
    entry.release();
    upgrade.guard();
    if (upgrade.isGone) {
      upgrade.socket.destroy();
      return;
    }
    if (error instanceof AnsweredByMiddleware && attempt.httpResponse?.reply !== undefined) {
      this.#refuseWith(attempt, attempt.httpResponse.reply);
      return;
    }
    void this.refusal.refuse(upgrade.socket, context, error, this.#filter(attempt, error));
  }

  /** Lets exception filters answer. `undefined` when none is for this exception, or it left the answer to us. */
  #filter(attempt: Attempt, error: unknown): Promise<HttpReply | undefined> | undefined {
    // A refusal by a fact of the request is no exception of the application: filters would make an unknown error of it.
    if (error instanceof UpgradeRefusedError) return undefined;
    const handlers = attempt.handlers ?? attempt.endpoint.bootHandlers;
    try {
      const outcome = handlers.recoverHandshake(error, attempt.context, () => this.#httpResponse(attempt));
      if (!outcome.handled) return undefined;
      return Promise.resolve(outcome.value).then(
        () => attempt.httpResponse?.reply,
        (fault: unknown) => logFilterFault(fault),
      );
    } catch (fault) {
      logFilterFault(fault);
      return undefined;
    }
  }

  #refuseWith(attempt: Attempt, reply: OwnReply['reply']): void {
    const { upgrade, context, entry } = attempt;
    entry.release();
    upgrade.guard();
    if (typeof reply === 'string') {
      writeRawAnswer(upgrade.socket, reply);
      return;
    }
    try {
      writeAnswer(upgrade.socket, toAnswer(reply));
    } catch (cause) {
      void this.refusal.refuse(
        upgrade.socket,
        context,
        new UpgradeRefusedError('internal error', 'internal error', { cause }),
      );
    }
  }

  #httpResponse(attempt: Attempt): UpgradeResponse {
    return (attempt.httpResponse ??= new UpgradeResponse(attempt.upgrade.request));
  }
}

/** When the login ends. @throws UpgradeRefusedError for a login that is over already or a value that is no time. */
function readExpiry(response: AcceptResponse, context: RequestContext): number | undefined {
  const given = response.expiresAt ?? context.expiresAt;
  if (given === undefined) return undefined;
  let expiresAt: number;
  try {
    expiresAt = toEpochMs(given);
  } catch (cause) {
    throw new UpgradeRefusedError('internal error', 'internal error', { cause });
  }
  if (expiresAt <= Date.now()) throw new UpgradeRefusedError('unauthorized', 'unauthorized: the login has expired');
  return expiresAt;
}

function logFilterFault(fault: unknown): undefined {
  logger.error(`An exception filter failed during a handshake: ${describe(fault)}`);
}
