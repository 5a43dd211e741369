import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { PublishLedger } from '../../../src/websocket/backplane/publish-ledger.js';

describe('PublishLedger', () => {
  let told: string[];
  let ledger: PublishLedger;

  beforeEach(() => {
    jest.useFakeTimers();
    told = [];
    ledger = new PublishLedger({
      maxPendingBytes: 100,
      timeoutMs: 1_000,
      onLate: () => told.push('late'),
      onTaking: () => told.push('taking'),
    });
  });

  afterEach(() => {
    ledger.close();
    expect(jest.getTimerCount()).toBe(0);
    jest.useRealTimers();
  });

  it('refuses what goes beyond its bytes, and takes more once the engine has taken some', () => {
    expect(ledger.give(60)).toBe(true);
    expect(ledger.give(41)).toBe(false);
    expect(ledger.give(40)).toBe(true);
    expect(ledger.pendingBytes).toBe(100);
    ledger.take(60);
    expect(ledger.give(60)).toBe(true);
    expect(told).toEqual([]);
  });

  it('tells once when the engine takes nothing for the time, and refuses until it takes something', () => {
    ledger.give(10);
    jest.advanceTimersByTime(999);
    expect(told).toEqual([]);
    jest.advanceTimersByTime(1);
    expect(told).toEqual(['late']);
    expect(ledger.give(1)).toBe(false);
    jest.advanceTimersByTime(10_000);
    expect(told).toEqual(['late']);
    ledger.take(10);
    expect(told).toEqual(['late', 'taking']);
    expect(ledger.give(1)).toBe(true);
  });

  it('judges by the oldest, while later ones go on being given', () => {
    ledger.give(10);
    for (let turn = 0; turn < 4; turn++) {
      jest.advanceTimersByTime(250);
      ledger.give(1);
    }
    expect(told).toEqual(['late']);
  });

  it('is content with an engine that is slow but takes everything in time', () => {
    for (let turn = 0; turn < 40; turn++) {
      ledger.give(10);
      jest.advanceTimersByTime(125);
      if (turn > 4) ledger.take(10);
    }
    expect(ledger.pendingBytes).toBe(50);
    expect(told).toEqual([]);
  });

  it('does not judge an engine right after this process was paused', () => {
    ledger.give(10);
    jest.advanceTimersByTime(750);
    const clock = jest.spyOn(performance, 'now').mockReturnValue(performance.now() + 5_000);
    jest.advanceTimersByTime(250);
    clock.mockRestore();
    expect(told).toEqual([]);
    ledger.take(10);
    expect(told).toEqual([]);
  });

  it('begins anew after a reset', () => {
    ledger.give(100);
    jest.advanceTimersByTime(1_000);
    ledger.reset();
    expect(ledger.pendingBytes).toBe(0);
    expect(ledger.isLate).toBe(false);
    expect(ledger.give(100)).toBe(true);
    ledger.take(500);
    expect(ledger.pendingBytes).toBe(0);
    expect(told).toEqual(['late']);
  });

  it('resolves when nothing waits any more, or after the time', async () => {
    expect(await ledger.empty(100)).toBe(true);
    ledger.give(10);
    const soon = ledger.empty(100);
    ledger.take(10);
    expect(await soon).toBe(true);
    ledger.give(10);
    const late = ledger.empty(100);
    jest.advanceTimersByTime(100);
    expect(await late).toBe(false);
  });

  it('takes nothing after it is closed', () => {
    ledger.close();
    expect(ledger.give(1)).toBe(false);
  });
});
