/** What a callback that has to answer at once may give instead. */
export const RESULTS = [
  'undefined',
  'null',
  'a number',
  'a promise',
  'a promise that rejects',
  'a thenable that throws',
  'an Observable',
  'an object with a length',
  'a list',
  'a view of other numbers',
  'a proxy of bytes',
  'an impostor of bytes',
] as const;

export type Result = (typeof RESULTS)[number];

/** Those that only answer later. */
export const LATE: readonly Result[] = ['a promise', 'a promise that rejects', 'a thenable that throws'];

/** Text of the exceptions that nobody expects; no peer may ever read it. */
export const SECRET = 'a detail for the log alone';
