import { connect } from 'node:net';

/**
 * Why tests that need a server which is running already cannot run, for the name of a group that is skipped then; `undefined` where it
 * answers. With `REQUIRE_BROKERS=1` a missing server is a failure.
 *
 * @example
 * ```ts
 * const missing = await missingBroker(url);
 * (missing === undefined ? describe : describe.skip)(`RedisBackplane${missing ?? ''}`, () => { … });
 * ```
 */
export async function missingBroker(url: string): Promise<string | undefined> {
  const fault = await faultOf(url);
  if (fault === undefined) return undefined;
  const reason = `${url} does not answer: ${fault}`;
  if (process.env['REQUIRE_BROKERS'] === '1') throw new Error(`${reason}. REQUIRE_BROKERS=1 makes this a failure.`);
  return ` (${reason})`;
}

function faultOf(url: string): Promise<string | undefined> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve) => {
    const socket = connect(Number(port), hostname);
    socket.setTimeout(2_000, () => socket.destroy(new Error('no answer within 2 s')));
    socket.once('error', (error) => resolve(error.message));
    socket.once('connect', () => {
      socket.destroy();
      resolve(undefined);
    });
  });
}
