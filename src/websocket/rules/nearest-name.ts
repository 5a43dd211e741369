/** Mistakes in a name that still leave no doubt which one was meant, as a share of its length. */
const NEAR_SHARE = 0.4;

/** The names that exist, sorted by how near they are to the wrong one. */
export interface Suggestion {
  /** The one that was probably meant. */
  readonly nearest: string | undefined;
  readonly others: readonly string[];
}

/** Sorts the names that exist by how near they are to one that does not. */
export function suggest(wrong: string, names: readonly string[]): Suggestion {
  const ranked = names
    .map((name) => ({ name, distance: distanceOf(wrong.toLowerCase(), name.toLowerCase()) }))
    .sort((one, other) => one.distance - other.distance);
  const [first, ...rest] = ranked;
  const sorted = ranked.map(({ name }) => name);
  if (first === undefined || first.distance > Math.max(2, wrong.length * NEAR_SHARE))
    return { nearest: undefined, others: sorted };
  return { nearest: first.name, others: rest.map(({ name }) => name) };
}

/** Letters to change, to add, to leave out or to swap with a neighbour; letters missing at an end count little. */
function distanceOf(wrong: string, name: string): number {
  if (wrong !== '' && (name.startsWith(wrong) || name.endsWith(wrong) || wrong.startsWith(name))) {
    return Math.abs(name.length - wrong.length) / Math.max(name.length, wrong.length);
  }
  let beforeLast: number[] = [];
  let last = Array.from({ length: name.length + 1 }, (_, index) => index);
  for (let row = 1; row <= wrong.length; row++) {
    const current = [row];
    for (let column = 1; column <= name.length; column++) {
      const isSame = wrong[row - 1] === name[column - 1];
      const changed = at(last, column - 1) + (isSame ? 0 : 1);
      let best = Math.min(changed, at(last, column) + 1, at(current, column - 1) + 1);
      const isSwapped = wrong[row - 1] === name[column - 2] && wrong[row - 2] === name[column - 1];
      if (row > 1 && column > 1 && isSwapped) best = Math.min(best, at(beforeLast, column - 2) + 1);
      current.push(best);
    }
    beforeLast = last;
    last = current;
  }
  return at(last, name.length);
}

function at(row: readonly number[], index: number): number {
  return row[index] ?? Number.POSITIVE_INFINITY;
}
