import type { HttpAnswer } from '../../support/raw-http.js';
import type { RawPeer } from '../../support/raw-peer.js';
import { bytesOf, type Delivery, type Step } from './conversation.js';

/** An answer as far as two servers must agree. */
export interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Talk {
  readonly steps: readonly Step[];
  /** Whether foreign upgrades are asked for, or the same pages without. */
  readonly asksForUpgrades: boolean;
  readonly delivery: Delivery;
  /** How many final answers to wait for; fewer are heard if the server ends the connection. */
  readonly answers: number;
  /** How many frames to wait for behind them. */
  readonly frames?: number;
}

/** Says everything and hears what comes back. */
export async function talk(peer: RawPeer, spoken: Talk): Promise<{ answers: Answer[]; frames: string[] }> {
  const { steps, delivery, asksForUpgrades } = spoken;
  const answers: Answer[] = [];
  const hear = async (wanted: number): Promise<void> => {
    while (finalAnswers(answers) < wanted) {
      const answer = await nextAnswer(peer, steps[finalAnswers(answers)]);
      if (answer === undefined) return;
      answers.push(answer);
    }
  };
  if (delivery === 'step by step') {
    for (const [index, step] of steps.entries()) {
      await peer.writeRaw(bytesOf(step, asksForUpgrades));
      await hear(Math.min(index + 1, spoken.answers));
    }
  } else {
    const bytes = Buffer.concat(steps.map((step) => bytesOf(step, asksForUpgrades)));
    await (delivery === 'whole' ? peer.writeRaw(bytes) : peer.writeInParts(bytes, delivery === 'in parts' ? 40 : 1));
  }
  await hear(spoken.answers);
  const frames: string[] = [];
  while (frames.length < (spoken.frames ?? 0)) frames.push((await peer.nextFrame()).text);
  return { answers, frames };
}

/** Says everything at once, ends the own side and hears what comes back until the server ends the other one. */
export async function talkAndEnd(peer: RawPeer, steps: readonly Step[]): Promise<Answer[]> {
  await peer.writeRaw(Buffer.concat(steps.map((step) => bytesOf(step, true))));
  peer.end();
  await peer.ended();
  const answers: Answer[] = [];
  for (;;) {
    // What was cut off is no answer.
    const answer = await nextAnswer(peer, steps[finalAnswers(answers)]).catch(() => undefined);
    if (answer === undefined || answer.status === 101) return answers;
    answers.push(answer);
  }
}

/** How many of the answers are the answer to a request: `100 Continue` is none. */
export function finalAnswers(answers: readonly Answer[]): number {
  return answers.filter(({ status }) => status !== 100).length;
}

export function isLast(answer: Answer | undefined): boolean {
  return answer?.headers['connection'] === 'close';
}

/** An answer without what it says about the next request. */
export function withoutEnd({ headers, ...answer }: Answer): Answer {
  const { connection: _connection, 'keep-alive': _keepAlive, ...others } = headers;
  return { ...answer, headers: others };
}

/** The next answer; `undefined` if the server has ended the connection before its first byte. */
async function nextAnswer(peer: RawPeer, step: Step | undefined): Promise<Answer | undefined> {
  const toHead = step !== undefined && step.kind !== 'ours' && step.request.method === 'HEAD';
  return peer.nextAnswer({ toHead }).then(comparable, (error: unknown) => {
    if (peer.ending === undefined || peer.unread.length > 0) throw error;
    return undefined;
  });
}

function comparable({ status, headers: { date: _date, ...headers }, body }: HttpAnswer): Answer {
  return {
    status,
    headers,
    body: body.length > 200 ? `${body.length} bytes, ${body.slice(0, 20)} … ${body.slice(-20)}` : body,
  };
}
