import type { OutboxOverflowError } from '../errors/plack-websocket.error.js';
import { flushInSlices } from '../async/slices.js';
import { isPromiseLike } from '../async/maybe-promise.js';
import { CLOSE_CODE_ABNORMAL, CloseCode, toSendableCode } from '../protocol/close-code.js';
import { assertCloseReason } from '../protocol/close-reason.js';
import type { ClosingDecision } from './closing-decision.js';
import { ClosingHandshake, type CloseFrame } from './closing-handshake.js';
import type { ConnectionState } from './connection.js';
import {
  cutBy,
  listenerFailed,
  logForcedEnd,
  LOGIN_ENDED,
  outboxIsFull,
  PEER_FLOODS,
  PEER_LEFT,
  replacedBy,
  TOO_MANY_FRAMES,
  TOO_MANY_MESSAGES,
} from './connection-ends.js';
import { MOVES, Phase, type ActionOn, type ConnectionEvent, type Move } from './connection-moves.js';
import { Expiry, toEpochMs } from './expiry.js';
import type { FinishInitiator } from './finish-info.js';
import { TimedConnection } from './timed-connection.js';
import type { TransportListener } from './transport-listener.js';
import type { PlaceHolder } from '../limits/user-places.js';

/**
 * The connection that the library makes and serves: establish, then messages one at a time, then finish. What it does when
 * is one table, `MOVES`; `#move` alone takes a step in it.
 *
 * Invariant: finish runs exactly once, after establish has settled and the socket is closed, and no message is handled after
 * it began.
 */
export class ServedConnection extends TimedConnection implements TransportListener, PlaceHolder {
  #phase: Phase = Phase.establishing;
  #isEstablished = false;
  #isDraining = false;
  #closing: ClosingHandshake | undefined;
  #expiresAt: number | undefined;
  #expiry: Expiry | undefined;
  /** The time limit of the phase it is in. */
  #timer: NodeJS.Timeout | undefined;

  override get state(): ConnectionState {
    return STATES[this.#phase];
  }

  override get expiresAt(): number | undefined {
    return this.#expiresAt;
  }

  override reauthenticate(expiresAt: Date | number | undefined): void {
    this.#expiresAt = expiresAt === undefined ? undefined : toEpochMs(expiresAt);
    this.#expiry?.cancel();
    if (this.#expiresAt === undefined || this.#phase >= Phase.finishing) return;
    this.#expiry ??= new Expiry(() => this.end(LOGIN_ENDED));
    this.#expiry.moveTo(this.#expiresAt);
  }

  /** Ends the connection if its login has ended. The timer of the login does not know of a sleep of the machine. */
  checkLogin(nowMs: number): void {
    this.#expiry?.check(nowMs);
  }

  /** Enters the registry and runs `@OnEstablish`; messages that arrive meanwhile wait. */
  establish(args: unknown[]): void {
    const { registry, stages } = this.ports;
    this.places.occupy(this);
    registry.add(this);
    registry.announceEstablish(this);
    const pending = stages.establish(this, args);
    if (isPromiseLike(pending)) void pending.then(() => this.#settleEstablish());
    else this.#settleEstablish();
  }

  giveWay(code: number): void {
    this.end(replacedBy(code));
  }

  /** `@OnEstablish` failed: no message is handled any more. The handlers that say goodbye to the peer have limited time. */
  failEstablish(decision: ClosingDecision): void {
    if (this.#move('establishThrows') !== 'drop') return;
    if (this.#phase === Phase.establishing) {
      this.#timer = setTimeout(() => this.end(decision), this.ports.settings.closeTimeoutMs).unref();
    }
    this.dropWaiting();
  }

  #settleEstablish(): void {
    this.#isEstablished = true;
    if (this.#move('establishSettles') === 'work') this.#work();
  }

  onMessage(data: string | Buffer, isBinary: boolean): void {
    const action = MOVES.messageArrives[this.#phase]?.[1];
    if (action === undefined || action === 'pass') return;
    if (!this.isInRate(this.isHandedOver)) this.end(TOO_MANY_MESSAGES);
    else this.take(data, isBinary, action === 'begin');
  }

  onEmptyFrame(): void {
    if (this.canSend && !this.isInFrameRate()) this.end(TOO_MANY_FRAMES);
  }

  protected override handlerSettled(): void {
    if (this.#phase === Phase.finished) this.ports.drain.lateHandlerSettled(this.handling);
    if (this.#move('handlerSettles') === 'work') this.#work();
    else this.#freePlaces();
  }

  /** Goes on with the next thing to do; see `MOVES`. */
  #work(): void {
    // A handler that ends the connection is called from here then, and the rest follows when it returns.
    if (this.#phase >= Phase.ended && this.isCalling) return;
    if (this.#isEstablished) this.beginWaiting();
    if (!this.#isDraining && this.hasRoom) this.resume();
    if (!this.#isEstablished || this.waiting > 0) return;
    if (this.#isDraining && this.canSend && this.running === 0) this.end(this.ports.drain.decision);
    if (this.#move('nothingIsLeft') === 'finish') this.#finish();
    this.#freePlaces();
  }

  /** In a handler the reply of this turn goes before the close frame. */
  override close(code: number = CloseCode.normal, reason = ''): void {
    assertCloseReason(reason);
    const closing = this.#endAs({ code: toSendableCode(code), reason, initiator: 'server' }, 'owed');
    if (this.isCalling || this.running > 0) setImmediate(() => closing?.writeOwed());
    else closing?.writeOwed();
  }

  override terminate(): void {
    this.cut('server');
  }

  /** Closes with a close frame: at once, or for one of many in a slice, but with no reply before it. The first decision wins. */
  end(decision: ClosingDecision, isOneOfMany = false): void {
    const closing = this.#endAs(decision, isOneOfMany ? 'due' : 'owed');
    if (!isOneOfMany) closing?.writeOwed();
    else if (closing !== undefined) flushInSlices(closing);
  }

  /** Cuts the connection and notes who did. */
  cut(initiator: FinishInitiator): void {
    const action = this.#move('isCut');
    if (action === 'decide') this.#decide(cutBy(initiator), 'none');
    else if (action === 'pass') return;
    this.#closing?.writeOwed();
    this.transport.terminate();
    if (action !== 'decide') this.#dropAndWork();
  }

  /** Closes as soon as what has arrived is handled; nothing more is read. */
  drain(): void {
    const action = this.#move('drainBegins');
    if (action === 'pass') return;
    this.#isDraining = true;
    if (action === 'hurry') this.#closing?.limit(this.ports.drain.closeTimeoutMs);
    else this.#work();
    if (this.#phase <= Phase.open) this.pause();
  }

  onPeerClose(code: number, reason: string): void {
    const action = this.#move('peerCloses');
    if (action === 'decide') this.#decide({ code, reason, initiator: 'client' }, 'written', true);
    if (action !== 'pass') this.#closing?.answer();
  }

  onPeerEnd(): void {
    if (this.#move('peerEnds') === 'decide') this.#decide(PEER_LEFT, 'none');
  }

  onPeerError(error: Error, code: number): void {
    const action = this.#move('peerErrs');
    // A socket that cannot be written to is lost as one whose network failed.
    const initiator = code === CLOSE_CODE_ABNORMAL ? 'client' : 'error';
    if (action === 'decide') this.#decide({ code, reason: '', initiator, error }, 'written');
    if (action !== 'pass') this.#closing?.spoil();
  }

  onPeerFlood(): void {
    if (this.#move('isCut') === 'decide') this.#decide(PEER_FLOODS, 'none');
  }

  onListenerError(error: unknown): void {
    this.end(listenerFailed(this, error));
  }

  onRawClose(code: number, reason: string): void {
    this.#endAs({ code, reason, initiator: 'server' }, code === CLOSE_CODE_ABNORMAL ? 'none' : 'written');
  }

  writeOwedClose(): void {
    this.#closing?.writeOwed();
  }

  onClose(): void {
    // Where neither side has decided, the network did.
    this.onPeerEnd();
    const closing = this.#closing;
    if (this.#move('socketCloses') !== 'settle' || closing === undefined) return;
    closing.stop();
    this.over(closing.toFinishInfo());
    // Set before the work, which clears it when nothing is left.
    this.#timer = setTimeout(() => this.#giveUpPlaces(), this.ports.settings.closeTimeoutMs).unref();
    this.#work();
  }

  #endAs(decision: ClosingDecision, frame: CloseFrame): ClosingHandshake | undefined {
    const action = this.#move('isEnded');
    if (action === 'decide') return this.#decide(decision, frame);
    if (action === 'drop') this.#dropAndWork();
    return undefined;
  }

  #decide(decision: ClosingDecision, frame: CloseFrame, isPolite = false): ClosingHandshake {
    const { settings, drain } = this.ports;
    const closing = new ClosingHandshake(this.transport, decision, frame, () => this.#timeOutClose());
    this.#closing = closing;
    logForcedEnd(this, decision);
    clearTimeout(this.#timer);
    this.withdraw();
    if (!isPolite) this.dropWaiting();
    this.stopStreams();
    closing.limit(settings.closeTimeoutMs);
    if (this.#isDraining) closing.limit(drain.closeTimeoutMs);
    // The peer's answer has to be read, also when the inbox was full.
    this.resume();
    return closing;
  }

  #timeOutClose(): void {
    if (this.#move('closeTimesOut') === 'cut') this.#closing?.cut();
  }

  #dropAndWork(): void {
    this.dropWaiting();
    this.#work();
  }

  /** What still runs this long after the end of the socket keeps no place. */
  #giveUpPlaces(): void {
    const action = this.#move('placesTimeOut');
    this.#release();
    if (action === 'drop') this.#dropAndWork();
  }

  #freePlaces(): void {
    if (this.#phase < Phase.ended || this.running > 0) return;
    clearTimeout(this.#timer);
    this.#release();
  }

  #release(): void {
    this.places.release();
    this.ports.registry.remove(this);
  }

  #finish(): void {
    const { finishInfo: end } = this;
    if (end === undefined) return;
    this.#expiry?.cancel();
    this.dropWaiting();
    void this.ports.stages.finish(this, end).then(() => {
      this.ports.registry.announceFinish(this, end);
      if (this.#move('finishSettles') === 'tell') this.ports.drain.finished(this.endpoint, this.running, this.handling);
    });
  }

  protected override get canSend(): boolean {
    return this.#phase <= Phase.open;
  }

  protected override get canReply(): boolean {
    return this.#phase <= Phase.open || (this.#phase === Phase.closing && this.#closing?.isFrameOwed === true);
  }

  protected override overflow(error: OutboxOverflowError): void {
    this.end(outboxIsFull(error));
  }

  #move<Event extends ConnectionEvent>(event: Event): ActionOn<Event> {
    const move: Move | undefined = MOVES[event][this.#phase];
    if (move === undefined) return 'pass';
    this.#phase = move[0];
    return move[1] as ActionOn<Event>;
  }
}

/** The four that the application sees. */
const STATES = ['establishing', 'open', 'closing', 'closed', 'closed', 'closed'] as const;
