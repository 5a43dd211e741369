import { ConnectFailedError, HandshakeRefusedError } from '../../../src/websocket/testing/errors.js';
import type { QueuedClient } from '../../../src/testing.js';
import type { ChildApp } from '../../support/child-app.js';
import { connect } from '../../support/connect.js';
import { patient } from '../../support/patience.js';
import { POSITIONS, type Position } from './positions.js';
import { SECRET, VALUES, WAYS, type ValueName, type Way } from './values.js';

/** One thing that goes wrong at one place. */
export interface Combination {
  readonly at: Position;
  readonly way: Way;
  readonly value: ValueName;
}

const VALUE_NAMES = Object.keys(VALUES) as ValueName[];

/** Here something waits for the end of what was given, as it should; an endless one is no fault of anybody. */
const WAITED_FOR: readonly Position[] = ['finish', 'finish of the connection'];

/** Every place, every value, every way. */
export const COMBINATIONS: readonly Combination[] = POSITIONS.flatMap((at) =>
  VALUE_NAMES.flatMap((value) => WAYS.map((way) => ({ at, way, value }))),
).filter(({ at, value }) => !(value === 'an endless Observable' && WAITED_FOR.includes(at)));

export function nameOf({ at, way, value }: Combination): string {
  return `${at}: ${way} ${value}`;
}

const WITH_MIDDLEWARE: readonly Position[] = [
  'middleware',
  'next of middleware',
  'head of the response',
  'end of the response',
  'finish of the response',
  'filter of the handshake',
];

/** Plays one combination against an application, as a peer sees it; tells what was wrong. */
export async function play(child: ChildApp, combination: Combination): Promise<string | undefined> {
  const { at, way, value } = combination;
  const path = WITH_MIDDLEWARE.includes(at) ? '/ws/connect' : '/ws/fault';
  const forwarded = `10.${WAYS.indexOf(way)}.${VALUE_NAMES.indexOf(value)}.1, 10.10.10.10`;
  let client: QueuedClient;
  try {
    client = await connect(new URL(`http://127.0.0.1:${child.port}`), path, {
      query: { at, way, value },
      headers: at === 'trustProxy' ? { 'x-forwarded-for': forwarded.split(',', 1)[0] ?? '' } : {},
      handshakeTimeoutMs: patient(5_000),
    });
  } catch (error) {
    if (error instanceof HandshakeRefusedError)
      return String(error.body).includes(SECRET) ? 'told a secret' : undefined;
    return error instanceof ConnectFailedError ? `no answer: ${error.message}` : String(error);
  }
  try {
    return await talk(client, combination);
  } finally {
    await client.terminate();
  }
}

async function talk(client: QueuedClient, combination: Combination): Promise<string | undefined> {
  const { at, value } = combination;
  const first = at === 'decode' ? { decode: combination } : { event: at === 'filter' ? 'fail' : 'go', id: 1 };
  for (const message of [first, { event: 'echo', id: 2, data: 'still there' }]) {
    await client.send(JSON.stringify(message)).catch(() => undefined);
  }
  // Others of the same endpoint may be heard here, and streams.
  for (;;) {
    const message = await client.next({ timeoutMs: patient(2_500) }).catch((error: unknown) => error);
    if (message instanceof Error) {
      if (client.state !== 'open') {
        const { code } = await client.closed();
        return code === 1006 ? 'cut' : undefined;
      }
      // What never ends may be waited for.
      return value === 'an endless Observable' ? undefined : 'silent';
    }
    const text = String(message);
    if (text.includes(SECRET)) return 'told a secret';
    if (isEcho(text)) break;
  }
  const { code } = await client.close(1000);
  return code === 1000 ? undefined : `closed with ${code}`;
}

function isEcho(text: string): boolean {
  return text.includes('"id":2');
}
