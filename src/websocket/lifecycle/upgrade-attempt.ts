import { continueWith, isPromiseLike, type MaybePromise } from '../async/maybe-promise.js';
import { toReadable } from '../async/thrown-value.js';
import type { EndpointHandlers, EstablishArguments } from '../endpoint/pipeline/endpoint-handlers.js';
import type { ServedEndpoint } from '../endpoint/endpoint.js';
import type { HttpReply } from '../errors/http-reply.js';
import { UpgradeRefusedError } from '../errors/plack-websocket.error.js';
import { retryAfter } from '../limits/connection-limits.js';
import { log } from '../log/log.js';
import type { RequestContext } from '../request/request-context.js';
import type { AcceptAnswer } from './establish/acceptor.js';
import type { AcceptResponse } from './handshake/accept-response.js';
import { HandshakeResponses } from './handshake/handshake-responses.js';
import { preferredSubprotocol, type RefusedByHook } from './handshake/handshake-stage.js';
import { readLoginEnd } from './handshake/login-end.js';
import { AnsweredByMiddleware } from './handshake/middleware.js';
import { askHook, ThrownByHook } from './handshake/thrown-by-hook.js';
import type { UpgradeResponse } from './handshake/upgrade-response.js';
import { statusOfRawResponse } from '../protocol/raw-response.js';
import { NO_PLACES, type Admission, type Places } from './upgrade/admission.js';
import { checkUpgrade } from './upgrade/check-upgrade.js';
import { toAnswer, writeAnswer, writeRawAnswer } from './upgrade/http-answer.js';
import type { PendingPlace } from './upgrade/pending-place.js';
import type { PendingUpgrade } from './upgrade/pending-upgrade.js';
import { abandon, type Refusal, type RefusedUpgrade } from './upgrade/refusal.js';

/** What all attempts of the module share. */
export interface AttemptPorts {
  readonly admission: Admission;
  readonly refusal: Refusal;
  /** The attempts that wait for code of the application. */
  readonly undecided: Set<UpgradeAttempt>;
}

/** A decision to accept, with what `@OnEstablish` is going to be called with. */
export interface Acceptance {
  readonly accepted: true;
  readonly handlers: EndpointHandlers;
  readonly args: EstablishArguments;
  /** When the login ends, in milliseconds since the epoch. */
  readonly expiresAt: number | undefined;
}

export type Decision = Acceptance | RefusedByHook;

/**
 * One upgrade on its way to a connection: its places, its time limit, its client that may leave, and its answer.
 *
 * Invariant: it is answered once, or never if the client left before; its places are given back once, when its connection is
 * over or, if it failed, when no code of the application runs for it any more.
 */
export class UpgradeAttempt {
  #places = NO_PLACES;
  #handlers: EndpointHandlers | undefined;
  readonly #responses: HandshakeResponses;
  #timer: NodeJS.Timeout | undefined;
  /** Taken when code of the application takes time. */
  #pending: PendingPlace | undefined;
  #isEstablished = false;
  #isSettled = false;

  constructor(
    readonly endpoint: ServedEndpoint,
    readonly context: RequestContext,
    readonly upgrade: PendingUpgrade,
    private readonly ports: AttemptPorts,
  ) {
    const subprotocol = preferredSubprotocol(endpoint.settings.protocols, context);
    if (subprotocol !== undefined) context.proposeProtocol(subprotocol);
    this.#responses = new HandshakeResponses(context.raw, subprotocol);
  }

  /** Its places among the other connections. */
  get places(): Places {
    return this.#places;
  }

  /** The 101 in the making, as hooks see it. */
  get response(): AcceptResponse {
    return this.#responses.accept;
  }

  /** The HTTP response that middleware, guards and filters see; made when one of them is there. */
  get httpResponse(): () => UpgradeResponse {
    return this.#responses.http;
  }

  /** Checks the request and takes its places; tells whether it may go on, otherwise it is refused. Never throws. */
  enter(): boolean {
    const { context, endpoint, upgrade } = this;
    const { admission, refusal } = this.ports;
    try {
      admission.checkState();
      checkUpgrade(context.raw);
      this.#places = admission.enter(context, endpoint.settings.connectionLimits);
      return true;
    } catch (error) {
      upgrade.guard();
      const place = admission.waitIfFree(context);
      refusal.refuse({ socket: upgrade.socket, context, cause: error, place });
      return false;
    }
  }

  /** Has the handshake decide, then answers; `establish` writes the 101. Never throws. */
  decide(handshake: () => MaybePromise<Decision>, establish: Establish): void {
    let decision: MaybePromise<Decision>;
    try {
      decision = handshake();
    } catch (error) {
      this.#settle(() => this.#refuse(error));
      return;
    }
    if (isPromiseLike(decision)) this.#await(decision, establish);
    else this.#settle(() => this.#conclude(decision, establish));
  }

  /** Asks guards and the request parameters of `@OnEstablish`, and accepts. @throws what refuses it. */
  ask(handlers: EndpointHandlers): MaybePromise<Acceptance> {
    this.#handlers = handlers;
    const { context, response } = this;
    const { expiresAt } = this.endpoint.settings;
    return continueWith(handlers.handshake(context, this.httpResponse), (args) => {
      identify(this.#places, context);
      return { accepted: true, handlers, args, expiresAt: readLoginEnd(response, context, expiresAt) };
    });
  }

  /** Refuses it, because the application stops. */
  giveUp(): void {
    this.#settle(() =>
      this.#refuse(new UpgradeRefusedError('not accepting', 'not accepting', { headers: retryAfter() })),
    );
  }

  /** The connection exists: the places are its own now. */
  established(): void {
    this.#isEstablished = true;
    this.upgrade.handOver();
  }

  /** An asynchronous handshake: bounded in number and time, and over at once when the client leaves. */
  #await(decision: Promise<Decision>, establish: Establish): void {
    const { admission, undecided } = this.ports;
    const { handshakeTimeoutMs } = this.endpoint.settings;
    this.#pending = admission.wait(this.context);
    this.#pending.keepFor(decision);
    undecided.add(this);
    if (handshakeTimeoutMs > 0) this.#timer = setTimeout(() => this.#timeOut(), handshakeTimeoutMs);
    this.upgrade.watch(() => this.#settle(() => this.#leave()));
    decision.then(
      (decided) => this.#settle(() => this.#conclude(decided, establish)),
      (error: unknown) => this.#settle(() => this.#refuse(error)),
    );
  }

  #leave(): void {
    this.context.end('The client left.');
    this.#responses.leave();
  }

  #timeOut(): void {
    this.#settle(() => {
      this.context.end('The handshake took longer than handshakeTimeoutMs.');
      this.#refuse(new UpgradeRefusedError('handshake timeout'));
    });
  }

  /** Answers, unless it is answered or given up already. If the answer fails, the socket is destroyed. */
  #settle(answer: () => void): void {
    if (this.#isSettled) return;
    this.#isSettled = true;
    clearTimeout(this.#timer);
    this.ports.undecided.delete(this);
    this.upgrade.release();
    // What runs on is cut off by nothing; after as much time again its place is given to others.
    this.#pending?.limit(this.endpoint.settings.handshakeTimeoutMs);
    try {
      this.#responses.within(answer);
    } catch (fault) {
      abandon(this.upgrade.socket, fault);
    }
    if (!this.#isEstablished) this.#giveBack();
  }

  /** It failed. A place is free when no code of the application runs for it any more. */
  #giveBack(): void {
    this.context.end('The handshake was refused.');
    this.upgrade.guard();
    this.#places.leaveUser();
    if (this.#pending === undefined) this.#places.release();
    else this.#pending.whenFree(() => this.#places.release());
  }

  #conclude(decision: Decision, establish: Establish): void {
    const { upgrade } = this;
    if (upgrade.isGone) {
      this.#destroy();
      return;
    }
    let answer: AcceptAnswer;
    try {
      // The state may have changed while the handshake was decided.
      this.ports.admission.checkState();
      if (!decision.accepted) {
        this.#refuseWith(decision.reply);
        return;
      }
      answer = { protocol: this.context.protocol, headerLines: this.#responses.conclude() };
    } catch (error) {
      this.#refuse(error);
      return;
    }
    establish(decision, answer);
  }

  #refuse(refusedBy: unknown): void {
    const { upgrade } = this;
    const { thrown, isByHook } = ThrownByHook.read(refusedBy);
    const error = toReadable(thrown);
    upgrade.guard();
    if (upgrade.isGone) this.#destroy();
    else if (error instanceof AnsweredByMiddleware && this.#responses.written !== undefined)
      this.#refuseWith(this.#responses.written);
    else this.#refuseBy(error, { isByHook, filtered: this.#filter(error) });
  }

  #destroy(): void {
    this.#leave();
    this.upgrade.socket.destroy();
  }

  /** Lets exception filters answer. `undefined` when none is for this exception, or it left the answer to us. */
  #filter(error: unknown): Promise<HttpReply | undefined> | undefined {
    // A refusal by a fact of the request is not thrown by the application: filters would make an unknown error of it.
    if (error instanceof UpgradeRefusedError) return undefined;
    const handlers = this.#handlers ?? this.endpoint.handlersToRecover(this.context);
    if (!isPromiseLike(handlers)) return this.#filterWith(handlers, error);
    return handlers.then(
      (built) => this.#filterWith(built, error),
      // What cannot be built has been thrown already, or it is news.
      (fault: unknown) => (fault === error ? undefined : logFilterFault(fault)),
    );
  }

  #filterWith(handlers: EndpointHandlers, error: unknown): Promise<HttpReply | undefined> | undefined {
    try {
      const outcome = handlers.recoverHandshake(error, this.context, this.httpResponse);
      if (!outcome.handled) return undefined;
      return Promise.resolve(outcome.value).then(() => this.#responses.written, logFilterFault);
    } catch (fault) {
      return logFilterFault(fault);
    }
  }

  #refuseBy(cause: unknown, details?: Pick<RefusedUpgrade, 'isByHook' | 'filtered'>): void {
    const { context, ports } = this;
    this.#pending ??= ports.admission.wait(context);
    const responses = this.#responses;
    ports.refusal.refuse({ socket: this.upgrade.socket, context, cause, place: this.#pending, responses, ...details });
  }

  #refuseWith(reply: RefusedByHook['reply']): void {
    const { upgrade } = this;
    upgrade.guard();
    if (typeof reply === 'string') {
      writeRawAnswer(upgrade.socket, reply);
      this.#responses.endAs(statusOfRawResponse(reply));
      return;
    }
    try {
      writeAnswer(upgrade.socket, this.#responses.complete(toAnswer(reply)));
      this.#responses.end();
    } catch (cause) {
      this.#refuseBy(new UpgradeRefusedError('internal error', 'internal error', { cause }));
    }
  }
}

type Establish = (acceptance: Acceptance, answer: AcceptAnswer) => void;

/** What `userId` throws refuses as a throw of the hook does. */
function identify(places: Places, context: RequestContext): void {
  void askHook(() => places.identify(context));
}

function logFilterFault(fault: unknown): undefined {
  log.error('handshake filter', 'An exception filter failed during a handshake', fault);
  return undefined;
}
