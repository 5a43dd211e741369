/** The value below which the given part of the sorted values lies, by the nearest rank. */
export function percentile(sorted: ArrayLike<number>, part: number): number {
  const rank = Math.max(0, Math.ceil(sorted.length * part) - 1);
  return sorted[rank] ?? Number.NaN;
}

/** The middle of a set of rounds and how far the rounds lie apart. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  const median = sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
  return { median, min: sorted[0] ?? Number.NaN, max: sorted.at(-1) ?? Number.NaN };
}

/** Divides round by round, so that what disturbed a whole round falls out of the ratio. */
export function ratios(values: readonly number[], references: readonly number[]): Spread {
  return spread(
    values.flatMap((value, round) => {
      const reference = references[round];
      return reference === undefined ? [] : [value / reference];
    }),
  );
}
