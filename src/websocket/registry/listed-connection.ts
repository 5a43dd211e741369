import type { ListedConnection } from '../connection/audience.js';
import type { ServedConnection } from '../connection/served-connection.js';

/** A connection as other nodes may see it; `exposed` are keys of its data. */
export function describeMember(
  connection: ServedConnection,
  node: string,
  exposed: readonly string[],
): ListedConnection {
  const data: Record<string, unknown> = {};
  for (const key of exposed) if (Object.hasOwn(connection.data, key)) data[key] = connection.data[key];
  return {
    id: connection.id,
    node,
    endpoint: connection.endpoint.name,
    user: userOf(connection),
    channels: [...connection.channels],
    since: connection.establishedAt,
    data,
  };
}

/** A user that cannot be told from others is left out here; where its id is needed, that is an error. */
function userOf(connection: ServedConnection): string | undefined {
  try {
    return connection.identify();
  } catch {
    return undefined;
  }
}
