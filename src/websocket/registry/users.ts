import { describeError } from '../errors/describe-error.js';
import type { ServedConnection } from '../connection/served-connection.js';
import { userIdOf, type UserId } from '../limits/user-id.js';
import { log } from '../log/log.js';
import type { RequestContext } from '../request/request-context.js';
import { Channels } from './channels.js';

/** Which connections belong to which user. Kept up from the first time that a user's connections are asked for. */
export class Users {
  #userId: UserId | undefined;
  #byId: Channels<ServedConnection> | undefined;
  readonly #ids = new Map<ServedConnection, string>();
  /** Told of the first and the last connection of each user. */
  #watch: ((id: string, isThere: boolean) => void) | undefined;
  #hasWarnedOfId = false;
  #hasWarnedOfName = false;

  constructor(private readonly all: () => Iterable<ServedConnection>) {}

  /** Tells of users from now on; from then on they are always kept. */
  watch(watch: (id: string, isThere: boolean) => void): void {
    this.#watch = watch;
    this.#byId ??= new Channels();
  }

  /** Takes the option `userId`. */
  tellApartBy(userId: UserId | undefined): void {
    this.#userId = userId;
  }

  /**
   * The id of a user as text; `undefined` for a client that is not a user.
   * @throws ConfigurationError for an id that cannot be compared, and what `userId` throws.
   */
  identify(context: RequestContext): string | undefined {
    return userIdOf(context, this.#userId, 'connection.user');
  }

  members(id: string): ReadonlySet<ServedConnection> | undefined {
    if (this.#byId === undefined) {
      this.#byId = new Channels();
      for (const connection of this.all()) this.add(connection);
    }
    return this.#byId.members(id);
  }

  add(connection: ServedConnection): void {
    if (this.#byId === undefined) return;
    const id = this.#idOf(connection);
    if (id === undefined) return;
    this.#ids.set(connection, id);
    if (this.#byId.add(id, connection)) this.#watch?.(id, true);
  }

  remove(connection: ServedConnection): void {
    const id = this.#ids.get(connection);
    if (id === undefined) return;
    this.#ids.delete(connection);
    if (this.#byId?.remove(id, connection) === true) this.#watch?.(id, false);
  }

  /**
   * Warns once when a channel is called like a user: what is meant for the user alone must not be sent there, since a
   * client who chooses the name of a channel would hear it.
   */
  checkChannel(name: string, connection: ServedConnection): void {
    if (this.#hasWarnedOfName || !this.#isUser(name, connection)) return;
    this.#hasWarnedOfName = true;
    log.warn(
      'registry',
      `A connection of ${connection.endpoint.name} joins a channel that is called like a user. Send to users with ` +
        "registry.toUser(id), and put a prefix before names of channels, such as 'room:'.",
      undefined,
      connection,
    );
  }

  #isUser(name: string, connection: ServedConnection): boolean {
    if (this.#byId?.members(name) !== undefined) return true;
    try {
      return connection.identify() === name;
    } catch {
      // Told where the id is needed.
      return false;
    }
  }

  /** A user that cannot be told from others is reached by nothing that names users. */
  #idOf(connection: ServedConnection): string | undefined {
    try {
      return connection.identify();
    } catch (error) {
      if (!this.#hasWarnedOfId) {
        this.#hasWarnedOfId = true;
        const { name } = connection.endpoint;
        log.warn(
          'registry',
          `registry.toUser cannot reach a user of ${name}: ${describeError(error)}`,
          error,
          connection,
        );
      }
      return undefined;
    }
  }
}
