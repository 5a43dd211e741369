import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Collects garbage until nothing holds these objects any more; tells how many are still held after some attempts. */
export async function heldAfterCollection(refs: readonly WeakRef<object>[]): Promise<number> {
  const held = (): number => refs.filter((ref) => ref.deref() !== undefined).length;
  // A WeakRef keeps what it gave until the end of the turn, so collections need turns in between.
  for (let attempt = 0; attempt < 20; attempt++) {
    await nextTurn();
    collect();
    await nextTurn();
    if (held() === 0) return 0;
  }
  return held();
}
