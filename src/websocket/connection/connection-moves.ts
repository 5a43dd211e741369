/** Where a connection is in its life; it only ever goes on. `ended`: its socket is closed. */
export const Phase = { establishing: 0, open: 1, closing: 2, ended: 3, finishing: 4, finished: 5 } as const;
export type Phase = (typeof Phase)[keyof typeof Phase];

export type Move = readonly [next: Phase, action: string];
type Row = readonly [
  establishing: Move | undefined,
  open: Move | undefined,
  closing: Move | undefined,
  ended: Move | undefined,
  finishing: Move | undefined,
  finished: Move | undefined,
];

const { establishing, open, closing, ended, finishing, finished } = Phase;

/** Cannot come then; nothing happens if it does. */
const never = undefined;

/**
 * The life of a connection: what happens to it, and for each phase where it goes and what it does then. Every move of a
 * connection is here, so a wrong one cannot be made.
 *
 * - `decide` writes the end down, once: the first one wins. The connection leaves audiences and the limit per user, its
 *   streams stop, what waits is dropped unless the peer closed politely, and our close frame leaves.
 * - `work` begins messages that wait, reads on when there is room, ends a draining connection that is idle, and goes on to
 *   the finish when the socket is closed and nothing waits.
 * - `drop` forgets the messages that wait, then `work`. `free` gives the places back once no handler runs.
 */
// prettier-ignore
export const MOVES = {
  //                  establishing             open                closing             ended                 finishing           finished
  establishThrows:  [[establishing, 'drop'],   never,              [closing, 'drop'],  [ended, 'drop'],      never,              never],
  establishSettles: [[open, 'work'],           never,              [closing, 'work'],  [ended, 'work'],      never,              never],
  messageArrives:   [[establishing, 'wait'],   [open, 'begin'],    [closing, 'pass'],  never,                never,              never],
  handlerSettles:   [never,                    [open, 'work'],     [closing, 'work'],  [ended, 'work'],      [finishing, 'free'],[finished, 'free']],
  // The ends that are decided here: by the application, a limit, the drain, a fault of a handler.
  isEnded:          [[closing, 'decide'],      [closing, 'decide'],[closing, 'drop'],  [ended, 'drop'],      [finishing, 'pass'],[finished, 'pass']],
  isCut:            [[closing, 'decide'],      [closing, 'decide'],[closing, 'cut'],   [ended, 'drop'],      [finishing, 'pass'],[finished, 'pass']],
  // Those that come from outside.
  peerCloses:       [[closing, 'decide'],      [closing, 'decide'],[closing, 'answer'],never,                never,              never],
  peerEnds:         [[closing, 'decide'],      [closing, 'decide'],[closing, 'pass'],  never,                never,              never],
  peerErrs:         [[closing, 'decide'],      [closing, 'decide'],[closing, 'spoil'], never,                never,              never],
  drainBegins:      [[establishing, 'drain'],  [open, 'drain'],    [closing, 'hurry'], [ended, 'pass'],      [finishing, 'pass'],[finished, 'pass']],
  closeTimesOut:    [never,                    never,              [closing, 'cut'],   never,                never,              never],
  socketCloses:     [never,                    never,              [ended, 'settle'],  never,                never,              never],
  nothingIsLeft:    [never,                    never,              never,              [finishing, 'finish'],never,              never],
  placesTimeOut:    [never,                    never,              never,              [ended, 'drop'],      [finishing, 'free'],[finished, 'free']],
  finishSettles:    [never,                    never,              never,              never,                [finished, 'tell'], never],
} as const satisfies Record<string, Row>;

export type ConnectionEvent = keyof typeof MOVES;

/** What may follow an event, in any phase. */
export type ActionOn<Event extends ConnectionEvent> = Exclude<(typeof MOVES)[Event][number], undefined>[1] | 'pass';
