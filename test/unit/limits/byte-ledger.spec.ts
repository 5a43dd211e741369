import { describe, expect, it } from '@jest/globals';
import {
  Account,
  ByteLedger,
  type AccountOwner,
  type SharedMemory,
} from '../../../src/websocket/limits/byte-ledger.js';

/** A connection whose socket drains by itself. */
class Holder implements AccountOwner {
  readonly account: Account;
  readonly ended: string[] = [];
  /** What really waits in its socket. */
  outbox = 0;

  constructor(readonly ledger: ByteLedger) {
    this.account = new Account(ledger, this);
  }

  /** It is told what waits. */
  wait(bytes: number): void {
    this.outbox = bytes;
    this.settle();
  }

  settle(): void {
    this.account.set('outbox', this.outbox);
  }

  giveUp(kind: 'outbox' | 'unfinished'): void {
    this.ended.push(kind);
    if (kind === 'outbox') this.outbox = 0;
    this.account.set(kind, 0);
  }
}

function holders(maxBytes: number, count: number): [ByteLedger, Holder[]] {
  const ledger = new ByteLedger(maxBytes);
  return [ledger, Array.from({ length: count }, () => new Holder(ledger))];
}

const endedOf = (all: readonly Holder[]): string[][] => all.map(({ ended }) => ended);

describe('the ledger', () => {
  it('has the sum of all that waits, of every kind', () => {
    const [ledger, [one, other]] = holders(1_000, 2);
    one?.wait(100);
    one?.account.set('inbox', 50);
    other?.account.set('unfinished', 30);
    expect(ledger.total).toBe(180);
    one?.wait(20);
    other?.account.set('unfinished', 0);
    expect(ledger.total).toBe(70);
  });

  it('ends the largest of those that do not read, and not the one for which there was no room', () => {
    const [ledger, all] = holders(1_000, 3);
    all[0]?.wait(400);
    all[1]?.wait(500);
    all[2]?.wait(90);
    expect(endedOf(all)).toEqual([[], [], []]);
    all[2]?.wait(101);
    expect(endedOf(all)).toEqual([[], ['outbox'], []]);
    expect(ledger.total).toBe(501);
  });

  it('makes room for a message before it waits', () => {
    const [ledger, all] = holders(1_000, 2);
    all[0]?.wait(600);
    all[1]?.wait(300);
    ledger.makeRoom(100);
    expect(endedOf(all)).toEqual([[], []]);
    ledger.makeRoom(101);
    expect(endedOf(all)).toEqual([['outbox'], []]);
  });

  it('ends nobody whose socket has drained without a word', () => {
    const [ledger, all] = holders(1_000, 3);
    all[0]?.wait(500);
    all[1]?.wait(400);
    for (const holder of all) holder.outbox = 10;
    all[2]?.wait(200);
    expect([endedOf(all), ledger.total]).toEqual([[[], [], []], 220]);
  });

  it('lets each kind pay for itself: messages that are not complete do not end a peer that reads, and the other way round', () => {
    const [ledger, all] = holders(1_000, 4);
    all[0]?.account.set('unfinished', 200);
    all[1]?.account.set('unfinished', 300);
    all[2]?.account.set('inbox', 290);
    all[3]?.wait(211);
    expect(endedOf(all)).toEqual([[], ['unfinished'], [], []]);
    all[3]?.wait(400);
    all[0]?.account.set('unfinished', 240);
    all[0]?.account.set('inbox', 100);
    expect(endedOf(all)).toEqual([[], ['unfinished'], [], ['outbox']]);
    expect(ledger.total).toBe(630);
  });

  it('holds inboxes to their part, and ends nobody for them', () => {
    const [ledger, all] = holders(1_000, 2);
    all[0]?.account.set('inbox', 499);
    expect(ledger.areInboxesFull).toBe(false);
    all[0]?.account.set('inbox', 500);
    expect(ledger.areInboxesFull).toBe(true);
    all[0]?.account.set('inbox', 900);
    all[1]?.wait(200);
    expect(endedOf(all)).toEqual([[], []]);
    expect(ledger.areInboxesFull).toBe(true);
  });

  it('counts memory that several wait with once, and for each when it looks for the largest', () => {
    const [ledger, all] = holders(1_000, 3);
    const frame: SharedMemory = { byteLength: 600, holders: 0 };
    for (const holder of all.slice(0, 2)) {
      holder.wait(10);
      holder.account.hold(frame);
    }
    expect([ledger.total, all[0]?.account.sizeOf('outbox')]).toEqual([620, 610]);
    all[0]?.account.release(frame);
    expect(ledger.total).toBe(620);
    all[1]?.account.release(frame);
    expect([ledger.total, frame.holders]).toEqual([20, 0]);
  });

  it('asks its holders once, not for each message, while it stays full', () => {
    const [, all] = holders(100_000, 200);
    let asked = 0;
    for (const holder of all) {
      holder.settle = () => {
        asked++;
      };
      holder.account.set('inbox', 500);
    }
    const ledger = all[0]?.ledger;
    asked = 0;
    for (let message = 0; message < 1_000; message++) ledger?.makeRoom(1);
    expect(asked).toBeLessThanOrEqual(all.length);
  });
});
