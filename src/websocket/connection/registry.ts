import type { RequestContext } from '../request/request-context.js';
import type { Audience } from './audience.js';
import type { Connection } from './connection.js';
import type { FinishInfo } from './finish-info.js';

/** The registry as a connection knows it: the others, and the channels it shares with them. */
export interface Registry<TConnection> {
  join(channel: string, connection: TConnection): void;
  leave(channel: string, connection: TConnection): void;
  /** Typed as its caller wants it. */
  audience<TMember extends Connection<unknown, object>>(
    names: readonly string[],
    sender: TConnection,
  ): Audience<TMember>;
  /** Id of the user of a request as text. @throws ConfigurationError for one that cannot be compared. */
  identify(context: RequestContext): string | undefined;
  /** It belongs to another user, or to none. */
  changeUser(connection: TConnection): void;
  add(connection: TConnection): void;
  /** It closes: no audience, count or look-up has it any more. */
  withdraw(connection: TConnection): void;
  /** It holds no places any more. */
  remove(connection: TConnection): void;
  announceEstablish(connection: TConnection): void;
  announceFinish(connection: TConnection, end: FinishInfo): void;
}
