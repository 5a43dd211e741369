const FIRST_DELAY_MS = 500;
const LONGEST_DELAY_MS = 15_000;
/** How long the server may take to answer before the attempt counts as failed. */
const PATIENCE_MS = 10_000;
/** A connection that lived this long was a good one: the next loss starts again with the first delay. */
const GOOD_AFTER_MS = 5_000;

/**
 * Asks over HTTP whether the handshake would let this name into this room: a browser is not told why a handshake was
 * refused. Resolves with the refusal, or undefined; rejects when the server does not answer.
 */
export async function knock(room, name) {
  const query = new URLSearchParams({ room, name });
  const answer = await fetch(`/knock?${query}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (answer.status !== 400) {
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`);
    return undefined;
  }
  const { message } = await answer.json();
  return [message].flat().join(', ');
}

function addressOf(room, name) {
  const address = new URL(`/ws/rooms/${encodeURIComponent(room)}`, location.href);
  address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
  address.searchParams.set('name', name);
  return address;
}

/**
 * Stays connected to one room: connects, and after a loss connects again, later each time and never at the same
 * moment as all others, until `stop()`, or until the server refuses the name or the room.
 *
 * Events: `state` with `{ state, seconds?, reason? }`, where `state` is `connecting`, `online`, `waiting` (every
 * second of the wait) or `refused`; `message` with what the server sent.
 */
export class RoomLink extends EventTarget {
  #room;
  #name;
  #socket;
  #timer;
  #isWaiting = false;
  #attempts = 0;
  #lastId = 0;
  /** Counts the attempts that were started or given up: an answer that belongs to an older one comes too late. */
  #round = 0;

  constructor(room, name) {
    super();
    this.#room = room;
    this.#name = name;
  }

  get isOnline() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  start() {
    void this.#connect();
  }

  /** Cuts a wait short; does nothing when it does not wait. */
  retry() {
    if (this.#isWaiting) void this.#connect();
  }

  stop() {
    this.#abandon();
  }

  /** Sends an event; returns the id that comes back on the reply, or undefined when there is no connection. */
  send(event, data) {
    if (!this.isOnline) return undefined;
    const id = `m${++this.#lastId}`;
    this.#socket.send(JSON.stringify({ event, data, id }));
    return id;
  }

  async #connect() {
    this.#abandon();
    const round = this.#round;
    this.#tell({ state: 'connecting' });

    let refusal;
    try {
      refusal = await knock(this.#room, this.#name);
    } catch {
      if (round === this.#round) this.#wait('The server does not answer.');
      return;
    }
    if (round !== this.#round) return;
    if (refusal) {
      this.#tell({ state: 'refused', reason: refusal });
      return;
    }

    const socket = new WebSocket(addressOf(this.#room, this.#name));
    this.#socket = socket;
    this.#timer = setTimeout(() => socket.close(), PATIENCE_MS);
    let openedAt = Infinity;
    socket.addEventListener('open', () => {
      if (round !== this.#round) return;
      clearTimeout(this.#timer);
      openedAt = Date.now();
      this.#tell({ state: 'online' });
    });
    socket.addEventListener('message', ({ data }) => {
      if (round === this.#round) this.dispatchEvent(new CustomEvent('message', { detail: JSON.parse(data) }));
    });
    socket.addEventListener('close', ({ reason }) => {
      if (round !== this.#round) return;
      if (Date.now() - openedAt > GOOD_AFTER_MS) this.#attempts = 0;
      this.#wait(reason ? `The connection ended: ${reason}.` : 'The connection was lost.');
    });
  }

  #wait(reason) {
    this.#abandon();
    const longest = Math.min(FIRST_DELAY_MS * 2 ** this.#attempts++, LONGEST_DELAY_MS);
    const until = Date.now() + longest * (0.5 + Math.random() / 2);
    this.#isWaiting = true;
    const tick = () => {
      const left = until - Date.now();
      if (left <= 0) {
        this.retry();
        return;
      }
      this.#tell({ state: 'waiting', seconds: Math.ceil(left / 1000), reason });
      this.#timer = setTimeout(tick, Math.min(left, left % 1000 || 1000));
    };
    tick();
  }

  /** Ends what is going on, without an event. */
  #abandon() {
    this.#round++;
    this.#isWaiting = false;
    clearTimeout(this.#timer);
    this.#socket?.close(1000);
    this.#socket = undefined;
  }

  #tell(state) {
    this.dispatchEvent(new CustomEvent('state', { detail: state }));
  }
}
