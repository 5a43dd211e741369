import { describe, expect, it } from '@jest/globals';
import { backplaneContract } from '../../../src/websocket/testing/backplane-contract.js';
import { MemoryBackplane } from '../../../src/websocket/backplane/memory.backplane.js';

describe('MemoryBackplane', () => {
  it.each(backplaneContract((options) => new MemoryBackplane(options)).map(({ name, run }) => [name, run] as const))(
    'keeps the contract: it %s',
    async (_name, run) => {
      await expect(run()).resolves.toBeUndefined();
    },
  );

  it('refuses options that it does not know or that are of the wrong kind', () => {
    expect(() => new MemoryBackplane({ prefx: 'a' } as object)).toThrow(
      /MemoryBackplane does not know the option "prefx".*prefix/,
    );
    expect(() => new MemoryBackplane({ prefix: 'a b' })).toThrow(/prefix must be 1 to 64 letters/);
    expect(() => new MemoryBackplane({ timeoutMs: 0 })).toThrow(/timeoutMs must be/);
  });
});
