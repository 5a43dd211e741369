import { afterEach, describe, expect, it } from '@jest/globals';
import { EventLoopDelay } from '../../../src/websocket/limits/event-loop-delay.js';
import { patient } from '../../support/patience.js';

describe('the delay of the event loop', () => {
  const delay = new EventLoopDelay();
  afterEach(() => delay.stop());

  it('is not known before it is measured', () => {
    expect(delay.currentMs).toBe(0);
  });

  it('rises while the loop is held, and falls when it runs again', async () => {
    const until = async (isReached: () => boolean, between: () => unknown): Promise<void> => {
      for (const began = performance.now(); !isReached();) {
        if (performance.now() - began > patient(10_000)) throw new Error(`Still ${delay.currentMs} ms.`);
        await between();
      }
    };
    const hold = new Int32Array(new SharedArrayBuffer(4));
    const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
    delay.start();
    await until(
      () => delay.currentMs > 100,
      async () => {
        Atomics.wait(hold, 0, 0, 200);
        await turn();
      },
    );
    await until(() => delay.currentMs < 100, turn);
    expect(delay.currentMs).toBeGreaterThan(0);
  });
});
