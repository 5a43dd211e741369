import type { QueuedClient } from '../../../src/websocket/testing/queued-client.js';
import type { ChildApp, ChildFacts } from '../../support/child-app.js';
import { connect } from '../../support/connect.js';
import { patient } from '../../support/patience.js';

/** Where in the life of a connection a fault sits. */
export type Stage = 'establish' | 'message' | 'finish';

/** What came of a fault for the client that provoked it. */
export type Outcome =
  | 'process ends'
  | 'no answer'
  | 'never answers again'
  | 'stays open'
  | 'closes normally'
  | `closes ${number}`
  | `answers ${string}`;

/** How to provoke one fault. */
export interface Trial {
  readonly stage: Stage;
  /** Query of the client that provokes it; the fixture reads there what to do wrong. */
  readonly query: Readonly<Record<string, string>>;
  /** What a message asks for, in the stage `message`. */
  readonly kind: string;
  /** The method of the fixture that misbehaves, as it reports itself. */
  readonly culprit: 'establish' | 'onMessage' | 'message' | 'onFinish' | 'finish';
}

export interface Observation {
  readonly outcome: Outcome;
  /** Everything that the provoking client read after the fault, as text; a close reason too. */
  readonly seen: readonly string[];
  /** Facts of the process when all is over; `undefined` if it died. */
  readonly facts: ChildFacts | undefined;
  /** What the process printed as errors meanwhile. */
  readonly stderr: string;
}

type Watched = Omit<Observation, 'stderr'>;

const DEAD: Watched = { outcome: 'process ends', seen: [], facts: undefined };

/** `id` of the message that provokes a fault. */
export const FAULT_ID = 7;

const PATH = '/ws/fault';
const FAULT = { event: 'fault', id: FAULT_ID };

// A living server answers earlier; only a deaf one makes a trial this much longer.
const DEAF_MS = patient(300);

let trials = 0;

/**
 * Provokes one fault with a client of its own and watches: that client, one that was connected before, and one that
 * connects afterwards.
 *
 * @throws NoMessageError or ConnectFailedError if the process lives and yet another client gets no service.
 */
export async function observe(child: ChildApp, trial: Trial): Promise<Observation> {
  const printed = child.stderr.length;
  const watched = await provoke(child, trial);
  if (!watched.facts) await child.exited;
  return { ...watched, stderr: child.stderr.slice(printed) };
}

async function provoke(child: ChildApp, { stage, query, kind, culprit }: Trial): Promise<Watched> {
  const url = new URL(`http://127.0.0.1:${child.port}`);
  const name = `provoker${(trials += 1)}`;
  const bystander = await connect(url, PATH);
  await echo(bystander, 'before');

  const provoker = await connect(url, PATH, { query: { ...query, name } });
  await child.heard(`establish:${name}`);
  if (query['gate'] !== undefined) await messageDuringEstablish(child, provoker, bystander);
  if (stage === 'message') await provoker.send({ ...FAULT, data: { kind } });
  if (stage === 'finish') void provoker.close(1000);
  await child.heard(`${culprit}:${name}`);
  if (!(await child.settled())) return DEAD;

  const watched = stage === 'finish' ? await watchClose(provoker) : await watchAnswers(provoker, stage);
  await provoker.close(1000);
  await child.heard(`finish:${name}`);
  const facts = await child.settled();
  if (!facts) return DEAD;

  await echo(bystander, 'after');
  const newcomer = await connect(url, PATH);
  await echo(newcomer, 'new');
  await newcomer.close(1000);
  await bystander.close(1000);
  return { ...watched, facts };
}

/** Sends while the establish handler waits, and lets that go on only when the message is there. */
async function messageDuringEstablish(child: ChildApp, provoker: QueuedClient, bystander: QueuedClient): Promise<void> {
  await provoker.send({ ...FAULT, data: {} });
  // Written after the message, so its answer proves that the server has read that too, or has died of it.
  const answered = echo(bystander, 'meanwhile');
  await Promise.race([answered, bystander.closed({ timeoutMs: Infinity })]);
  child.tell({ open: true });
}

async function watchClose(provoker: QueuedClient): Promise<Omit<Watched, 'facts'>> {
  const { code, reason } = await provoker.closed();
  return { outcome: code === 1000 ? 'closes normally' : `closes ${code}`, seen: [reason] };
}

/** Reads what the fault brought, up to the echo of a message that was sent after it. */
async function watchAnswers(provoker: QueuedClient, stage: Stage): Promise<Omit<Watched, 'facts'>> {
  const seen: string[] = [];
  let outcome: Outcome = stage === 'message' ? 'no answer' : 'stays open';
  void provoker.send({ event: 'echo', data: 'still there' });
  for (;;) {
    const text = await provoker.next({ timeoutMs: DEAF_MS }).then(String, () => undefined);
    if (text === undefined) break;
    seen.push(text);
    const { event, data } = JSON.parse(text) as { event?: unknown; data?: unknown };
    if (event === 'echo' && data === 'still there') return { outcome, seen };
    // What comes first counts: behind the error of a handler of the connection the method answers as ever.
    if (seen.length === 1) outcome = `answers ${typeof event === 'string' ? event : text}`;
  }
  if (provoker.state === 'open') return { outcome: 'never answers again', seen };
  const { code, reason } = await provoker.closed();
  return { outcome: `closes ${code}`, seen: [...seen, reason] };
}

async function echo(client: QueuedClient, data: string): Promise<void> {
  void client.send({ event: 'echo', data });
  const answer = await client.nextJson<{ event: string; data: string }>();
  if (answer.event !== 'echo' || answer.data !== data) throw new Error(`Not the echo: ${JSON.stringify(answer)}`);
}
