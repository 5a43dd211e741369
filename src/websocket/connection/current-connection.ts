import { AsyncLocalStorage } from 'node:async_hooks';
import { ConfigurationError } from '../errors/plack-websocket.error.js';
import { Connection } from './connection.js';

/**
 * Knows which connection the running code serves, through AsyncLocalStorage. Off unless `context: 'async-local'` is
 * set: on Node 20 and 22 every asynchronous function of the process gets dearer once it is used.
 */
export class CurrentConnection {
  readonly #storage: AsyncLocalStorage<Connection> | undefined;

  constructor(enabled: boolean) {
    if (enabled) this.#storage = new AsyncLocalStorage();
  }

  /** Runs a callback of the application with a connection as the current one. */
  run<T>(connection: Connection, callback: () => T): T {
    return this.#storage === undefined ? callback() : this.#storage.run(connection, callback);
  }

  get isEnabled(): boolean {
    return this.#storage !== undefined;
  }

  /**
   * An object that stands for whatever connection is the current one; what `Connection` injects into a singleton.
   * Using it outside of a connection's callbacks throws a ConfigurationError that says so.
   */
  get proxy(): Connection {
    const current = (): Connection => {
      const connection = this.#storage?.getStore();
      if (connection !== undefined) return connection;
      throw new ConfigurationError(
        this.#storage === undefined
          ? "Connection can be injected into constructors only with forRoot({ context: 'async-local' }). " +
              'Take it as a parameter of the method instead, or use @Inject(REQUEST) in request scope.'
          : 'No connection is being served here: Connection works inside @OnEstablish, @OnMessage and @OnFinish and what they call.',
      );
    };
    return new Proxy(Connection.prototype as Connection, {
      get(_target, name) {
        // Nest looks for lifecycle hooks and promises on everything it injects.
        if (name === 'constructor') return Connection;
        if (name === 'then' || typeof name === 'symbol' || LIFECYCLE_HOOKS.has(name)) return undefined;
        const connection = current();
        const value: unknown = Reflect.get(connection, name, connection);
        return typeof value === 'function' ? (value as () => unknown).bind(connection) : value;
      },
      set(_target, name, value) {
        const connection = current();
        return Reflect.set(connection, name, value, connection);
      },
    });
  }
}

const LIFECYCLE_HOOKS = new Set([
  'onModuleInit',
  'onApplicationBootstrap',
  'onModuleDestroy',
  'beforeApplicationShutdown',
  'onApplicationShutdown',
]);
