import { beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { ChildApp } from '../support/child-app.js';
import { asksBeforeUpgrade } from '../support/node-features.js';
import { patient } from '../support/patience.js';
import { RawPeer } from '../support/raw-peer.js';
import {
  bytesOf,
  conversation,
  endless,
  hasBody,
  isTaken,
  type Conversation,
  type Step,
} from './conversation/conversation.js';
import { childCounts, type Counted } from './conversation/page-counts.js';
import { finalAnswers, isLast, talk, talkAndEnd, withoutEnd } from './conversation/talk.js';

const FIXTURE = new URL('./pages.fixture.ts', import.meta.url);

/** Conversations with each server, some of them at a time; `npm run test:conversations` has thousands. */
const CONVERSATIONS = Number(process.env['PLACK_TEST_CONVERSATIONS'] ?? '36');
const AT_A_TIME = 6;

describe.each([
  { platform: 'express', tls: false },
  { platform: 'express', tls: true },
  { platform: 'fastify', tls: false },
  { platform: 'fastify', tls: true },
])('conversations with $platform, TLS $tls,', ({ platform, tls }) => {
  let child: ChildApp;
  let barePort: number;
  beforeAll(async () => {
    child = await ChildApp.start(FIXTURE, {
      // What the platform says of bodies that it cannot read is the same for both servers.
      env: { PAGES_PLATFORM: platform, PAGES_TLS: tls ? 'on' : 'off', PAGES_LOG: 'fatal' },
    });
    barePort = Number(await child.heard('barePort'));
  });

  it(
    'have the answers of a server that never heard of upgrades, and leave nothing behind',
    async () => {
      let opened = 0;
      const open = (port: number): Promise<RawPeer> => RawPeer.open(port, { tls, timeoutMs: patient(4_000) });
      const converse = async (told: Conversation): Promise<void> => {
        await using bare = await open(barePort);
        await using ours = await open(child.port);
        opened += 1;
        await compare(told, bare, ours);
      };
      await fc.assert(
        fc.asyncProperty(fc.array(conversation, { minLength: AT_A_TIME, maxLength: AT_A_TIME }), async (told) => {
          const outcomes = await Promise.allSettled(told.map(converse));
          // Whatever a client makes of it, an application that has ended is what matters.
          if (child.exit !== undefined) throw new Error(`The application has ended:\n${child.stderr}`);
          const failed = outcomes.find((outcome) => outcome.status === 'rejected');
          if (failed !== undefined) throw failed.reason;
        }),
        { numRuns: Math.ceil(CONVERSATIONS / AT_A_TIME) },
      );
      expect(await childCounts(child, tls ? () => true : hasNothing)).toMatchObject({
        // Some TLS connections that are reset never close in Node, and a bare server keeps them as well.
        ours: { connections: opened, ...(tls ? {} : NOTHING) },
      });
      expect(await child.settled()).toEqual({ pid: child.pid, catchAlls: 0 });
      // Warnings of Node, such as that of too many listeners, would be here too.
      expect(child.stderr).toBe('');
    },
    patient(30_000 + CONVERSATIONS * 200),
  );
});

const NOTHING = { open: 0, unfinished: 0, endless: 0 };

function hasNothing({ ours }: Counted): boolean {
  return ours.open === 0 && ours.unfinished === 0 && ours.endless === 0;
}

/** Has the same conversation with both servers; what decides is the first upgrade. */
async function compare({ steps, delivery, leaving, share }: Conversation, bare: RawPeer, ours: RawPeer): Promise<void> {
  const turn = steps.findIndex(({ kind }) => kind !== 'page');
  const decisive = steps[turn];
  const taken = decisive?.kind === 'ours' && isTaken(decisive);
  const served = decisive?.kind === 'foreign' && (asksBeforeUpgrade || !hasBody(decisive.request));
  // What comes behind an upgrade of ours is no HTTP any more.
  const said = taken ? steps.slice(0, turn + 1) : steps;

  if (leaving === 'resets') {
    for (const [peer, asksForUpgrades] of [
      [bare, false],
      [ours, true],
    ] as const) {
      const bytes = Buffer.concat(said.map((step) => bytesOf(endless(step), asksForUpgrades)));
      await peer.writeRaw(bytes.subarray(0, Math.ceil(bytes.length * share)));
      peer.reset();
    }
    return;
  }

  const plain = turn < 0 ? steps : steps.slice(0, served ? turn + 1 : turn);
  const { answers: expected } = await talk(bare, {
    steps: plain,
    delivery,
    asksForUpgrades: false,
    answers: plain.length,
  });
  if (leaving === 'ends its side') {
    // A bare server lets go of what it has not answered yet.
    const answers = await talkAndEnd(ours, said);
    const known = answers.slice(0, expected.length);
    expect(known.map(withoutEnd)).toEqual(expected.slice(0, known.length).map(withoutEnd));
    expect(answers.length).toBeLessThanOrEqual(expected.length + (served ? 0 : 1));
    return;
  }

  // Behind an answer that is the last one there is none, whatever was asked for.
  const isOver = isLast(expected.at(-1)) || finalAnswers(expected) < plain.length;
  const decided = turn >= 0 && !served && !isOver;
  const heard = await talk(ours, {
    steps: said,
    delivery,
    asksForUpgrades: true,
    answers: plain.length + (decided ? 1 : 0),
    frames: taken && decided ? decisive.early.length : 0,
  });
  const pages = decided ? heard.answers.slice(0, -1) : heard.answers;
  if (served && !isOver) {
    expect(pages.map(withoutEnd)).toEqual(expected.map(withoutEnd));
    expect(pages.slice(0, -1)).toEqual(expected.slice(0, -1));
    expect(isLast(pages.at(-1))).toBe(true);
  } else {
    expect(pages).toEqual(expected);
  }
  if (decided) expect(heard.answers.at(-1)).toMatchObject(decisionOn(decisive));
  expect(heard.frames).toEqual(taken && decided ? decisive.early : []);
  if (isOver || (turn >= 0 && !taken)) await ours.ended();
  expect(ours.unread.toString('latin1')).toBe('');
}

/** What is said to an upgrade that is not served as a page. */
function decisionOn(step: Step | undefined): object {
  if (step?.kind !== 'ours') return { status: 426, headers: { connection: 'close' } };
  if (isTaken(step)) return { status: 101 };
  return { status: step.path === '/ws/closed' ? 403 : 404, headers: { connection: 'close' } };
}
