import type { ByteReader } from '../backplane/byte-reader.js';
import type { ByteWriter } from '../backplane/byte-writer.js';
import type { ListedConnection } from '../connection/audience.js';
import { EnvelopeError } from '../backplane/byte-reader.js';

export function writeListed(to: ByteWriter, connections: readonly ListedConnection[]): void {
  to.count(connections.length);
  for (const { id, endpoint, user, channels, since, data } of connections) {
    to.text(id)
      .text(endpoint)
      .texts(user === undefined ? [] : [user])
      .texts(channels);
    to.count(Math.max(0, Date.now() - since.getTime())).text(jsonOf(data));
  }
}

/** @throws EnvelopeError */
export function readListed(reader: ByteReader, node: string): ListedConnection[] {
  const now = Date.now();
  return reader.list(() => {
    const id = reader.text();
    const endpoint = reader.text();
    const [user] = reader.texts();
    const channels = reader.texts();
    const since = new Date(now - reader.count());
    return { id, node, endpoint, user, channels, since, data: readData(reader.text()) };
  });
}

/** What JSON has no form for is left out, not an error of who lists. */
function jsonOf(data: object): string {
  try {
    return JSON.stringify(data);
  } catch {
    return '{}';
  }
}

function readData(text: string): Record<string, unknown> {
  try {
    const data: unknown = JSON.parse(text);
    if (typeof data === 'object' && data !== null) return data as Record<string, unknown>;
  } catch {
    // Named below.
  }
  throw new EnvelopeError('has data that is not JSON');
}
