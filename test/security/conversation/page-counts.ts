import type { ChildApp } from '../../support/child-app.js';
import { patient } from '../../support/patience.js';

/** What one application of the fixture has counted. */
export interface PageCounts {
  /** Connections that its HTTP server was told of. */
  readonly connections: number;
  /** Connections that are open. */
  readonly open: number;
  /** Requests that are not answered, and whose handlers were not told that it is over. */
  readonly unfinished: number;
  /** Endless pages that are being sent, of both applications. */
  readonly endless: number;
}

/** What both applications of the fixture have counted. */
export interface Counted {
  readonly ours: PageCounts;
  readonly bare: PageCounts;
}

let asked = 0;

/** What the fixture has counted, as soon as it `matches`: what a client leaves behind ends a moment later. */
export async function childCounts(child: ChildApp, matches: (counted: Counted) => boolean): Promise<Counted> {
  const end = Date.now() + patient(4_000);
  for (;;) {
    asked += 1;
    child.tell({ count: asked });
    const counted = (await child.heard(`counted ${asked}`)) as Counted | undefined;
    if (counted === undefined) throw new Error(`The application has ended:\n${child.stderr}`);
    if (matches(counted) || Date.now() > end) return counted;
    await child.settled();
  }
}
