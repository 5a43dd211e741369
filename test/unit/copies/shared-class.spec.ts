import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { copyOf, isSharedClass, shareClass } from '../../../src/websocket/copies/shared-class.js';
import { THIS_COPY, VERSION } from '../../../src/websocket/copies/this-copy.js';
import * as library from '../../../src/index.js';

it('the version of the copy is that of the package', async () => {
  const manifest = JSON.parse(await readFile(new URL('../../../package.json', import.meta.url), 'utf8')) as object;
  expect(manifest).toMatchObject({ version: VERSION });
});

describe('a shared class', () => {
  class Base {}
  class Shared extends Base {}
  class Sub extends Shared {}
  shareClass(Base, 'Base');
  shareClass(Shared, 'Shared');

  /** What another copy of the same version makes of the same source. */
  const other = (() => {
    class SharedBase {}
    class SharedTwin extends SharedBase {}
    shareClass(SharedBase, 'Base');
    shareClass(SharedTwin, 'Shared');
    return { SharedBase, SharedTwin };
  })();

  it('has the instances of the other copies as its own, those of subclasses too', () => {
    expect(new other.SharedTwin() instanceof Shared).toBe(true);
    expect(new other.SharedTwin() instanceof Base).toBe(true);
    expect(new Sub() instanceof other.SharedTwin).toBe(true);
    expect(new other.SharedBase() instanceof Shared).toBe(false);
  });

  it('leaves its subclasses with their own instances', () => {
    expect(new Sub() instanceof Sub).toBe(true);
    expect(new Shared() instanceof Sub).toBe(false);
    expect(new other.SharedTwin() instanceof Sub).toBe(false);
  });

  it.each([undefined, null, 'text', 5, {}, () => undefined, Shared.prototype])(
    'has %p not as an instance',
    (value: unknown) => {
      expect(value instanceof Shared).toBe(false);
    },
  );

  it('is known by its name and copy, a subclass is not', () => {
    expect([isSharedClass(Shared, 'Shared'), isSharedClass(other.SharedTwin, 'Shared')]).toEqual([true, true]);
    expect([isSharedClass(Sub, 'Shared'), isSharedClass(Base, 'Shared'), isSharedClass('Shared', 'Shared')]).toEqual([
      false,
      false,
      false,
    ]);
    expect([copyOf(Shared), copyOf(Sub), copyOf(class {}), copyOf(undefined)]).toEqual([
      THIS_COPY,
      undefined,
      undefined,
      undefined,
    ]);
  });
});

it('every class that others name as parameter or token, throw or extend is shared', () => {
  const shared = Object.entries(library).filter(([name, type]) => isSharedClass(type, name));
  expect(shared.map(([name]) => name).toSorted()).toEqual(
    expect.arrayContaining([
      'ConfigurationError',
      'Connection',
      'ConnectionRegistry',
      'FinishInfo',
      'PlackWebSocketModule',
      'PlackWsAdapter',
      'RequestContext',
      'Serializer',
      'UnsupportedDataError',
    ]),
  );
  const errors = Object.keys(library).filter((name) => name.endsWith('Error') && name !== 'OnError');
  expect(errors.filter((name) => !shared.some(([other]) => other === name))).toEqual([]);
});
