import { AsyncLocalStorage } from 'node:async_hooks';
import { ConfigurationError } from '../errors/plack-websocket.error.js';
import { Connection } from './connection.js';
import { ServedConnection } from './served-connection.js';

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

  /** An object that stands for the current connection; what `Connection` injects into a singleton. */
  get proxy(): Connection {
    return new Proxy(new NoConnection() as Connection, new StandIn(this.#storage));
  }
}

/** What shows of the stand-in while no connection is served: nothing. */
class NoConnection {}

/**
 * Members of `Connection` work on the connection being served; outside of one, using them throws a ConfigurationError that
 * says so. Explorers, loggers and test runners look at everything in Nest's container, so looking never throws: there the
 * stand-in is an empty object whose methods can be read: only a call counts as use.
 */
class StandIn implements ProxyHandler<Connection> {
  constructor(private readonly storage: AsyncLocalStorage<Connection> | undefined) {}

  get(target: Connection, name: string | symbol): unknown {
    if (name === 'constructor') return Connection;
    const connection = this.storage?.getStore();
    if (connection !== undefined) return bound(connection, Reflect.get(connection, name, connection));
    const member = memberOf(ServedConnection.prototype, name);
    if (member === undefined) return Reflect.get(target, name);
    if (member.get !== undefined) return this.#refuse();
    if (typeof member.value !== 'function') return member.value;
    // It may be called later, when a connection is served.
    return (...args: unknown[]): unknown => {
      const served = this.storage?.getStore() ?? this.#refuse();
      return (served as unknown as Record<string | symbol, (...given: unknown[]) => unknown>)[name]?.(...args);
    };
  }

  set(target: Connection, name: string | symbol, value: unknown): boolean {
    // Frameworks leave marks on what they have seen, under symbols.
    if (typeof name === 'symbol') return Reflect.set(target, name, value);
    const connection = this.storage?.getStore() ?? this.#refuse();
    return Reflect.set(connection, name, value, connection);
  }

  has(target: Connection, name: string | symbol): boolean {
    return Reflect.has(this.storage?.getStore() ?? ServedConnection.prototype, name) || Reflect.has(target, name);
  }

  /** Outside of a connection none that leads to the members of `Connection`: code that walks up the prototypes reads them. */
  getPrototypeOf(target: Connection): object | null {
    return Reflect.getPrototypeOf(this.storage?.getStore() ?? target);
  }

  #refuse(): never {
    throw new ConfigurationError(
      this.storage === undefined
        ? "Connection can be injected into constructors only with forRoot({ context: 'async-local' }). " +
            'Take it as a parameter of the method instead, or use @Inject(REQUEST) in request scope.'
        : 'No connection is being served here: Connection works inside @OnEstablish, @OnMessage and @OnFinish and what they call.',
    );
  }
}

/** A member as a class or one of its bases declares it; what every object has is none. */
function memberOf(prototype: object, name: string | symbol): PropertyDescriptor | undefined {
  for (let level: object | null = prototype; level !== Object.prototype; level = Reflect.getPrototypeOf(level)) {
    if (level === null) return undefined;
    const member = Reflect.getOwnPropertyDescriptor(level, name);
    if (member !== undefined) return member;
  }
  return undefined;
}

function bound(connection: Connection, value: unknown): unknown {
  return typeof value === 'function' ? (value as () => unknown).bind(connection) : value;
}
