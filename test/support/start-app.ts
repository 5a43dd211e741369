import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach } from '@jest/globals';
import {
  Module,
  type DynamicModule,
  type INestApplication,
  type ModuleMetadata,
  type NestApplicationOptions,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ConnectionRegistry, PlackWebSocketModule, type PlackWebSocketModuleOptions } from '../../src/index.js';
import type { ConnectOptions, QueuedClient } from '../../src/testing.js';
import { connect } from './connect.js';
import { LogRecorder } from './log-recorder.js';
import { RawPeer, type RawPeerOptions } from './raw-peer.js';

/** Express unless `PLACK_TEST_PLATFORM=fastify`: the same tests run on both. */
export const platform = process.env['PLACK_TEST_PLATFORM'] === 'fastify' ? 'fastify' : 'express';

/** What an application under test is made of. */
export interface AppSpec extends Pick<ModuleMetadata, 'imports' | 'controllers' | 'providers'> {
  readonly endpoints?: readonly Type[];
  /** Options of `forRoot`; `false` leaves the module out. */
  readonly options?: PlackWebSocketModuleOptions | false;
  readonly https?: { readonly key: string; readonly cert: string };
  /** For what has to be compared on both; everything else goes by the environment. */
  readonly platform?: 'express' | 'fastify';
  /** Options of `NestFactory.create`, such as `forceCloseConnections`. */
  readonly settings?: NestApplicationOptions;
  /** Runs before the application is initialized: prefixes, global enhancers, more listeners on the server. */
  readonly configure?: (app: INestApplication<Server>) => unknown;
}

const cleanups: (() => unknown)[] = [];

/** Runs something after the test, the last one first, whatever became of the test. */
export function afterTest(cleanup: () => unknown): void {
  cleanups.push(cleanup);
}

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

/** An application that listens, with everything a test opens to it. */
export class StartedApp {
  constructor(
    readonly app: INestApplication<Server>,
    readonly logs: LogRecorder,
  ) {}

  get registry(): ConnectionRegistry {
    return this.app.get(ConnectionRegistry);
  }

  get port(): number {
    return (this.app.getHttpServer().address() as AddressInfo).port;
  }

  /** Opens a WebSocket; it is cut after the test. */
  async connect(path: string, options?: Partial<ConnectOptions>): Promise<QueuedClient> {
    const client = await connect(this.app, path, options);
    afterTest(() => client.terminate());
    return client;
  }

  /** Opens a TCP connection that speaks bytes; it is destroyed after the test. */
  async peer(options?: RawPeerOptions): Promise<RawPeer> {
    const peer = await RawPeer.open(this.port, options);
    afterTest(() => peer[Symbol.asyncDispose]());
    return peer;
  }

  /** Sends a plain HTTP request. */
  fetch(path: string, init?: RequestInit): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.port}${path}`, init);
  }
}

/** Boots an application on a free port; it is closed after the test. */
export async function startApp(spec: AppSpec = {}): Promise<StartedApp> {
  const started = await createApp(spec);
  await started.app.listen(0, '127.0.0.1');
  return started;
}

/** Boots an application that must not start, and gives the error that stopped it. */
export async function bootError(spec: AppSpec): Promise<Error> {
  const error: unknown = await startApp(spec).then(
    () => new Error('The application has started.'),
    (reason: unknown) => reason,
  );
  return error instanceof Error ? error : new Error('Something else than an error was thrown.', { cause: error });
}

/** Makes an application that is not initialized; it is closed after the test. */
export async function createApp(spec: AppSpec = {}): Promise<StartedApp> {
  const logs = new LogRecorder();
  const settings = { logger: logs, abortOnError: false, ...spec.settings };
  const app =
    (spec.platform ?? platform) === 'fastify'
      ? await NestFactory.create<INestApplication<Server>>(
          rootModule(spec),
          new FastifyAdapter(fastifyOptions(spec)),
          settings,
        )
      : await NestFactory.create<INestApplication<Server>>(rootModule(spec), {
          ...settings,
          ...(spec.https === undefined ? {} : { httpsOptions: spec.https }),
        });
  afterTest(() => app.close());
  await spec.configure?.(app);
  return new StartedApp(app, logs);
}

/** The root module of an application under test. */
export function rootModule({
  endpoints = [],
  options = {},
  imports = [],
  controllers = [],
  providers = [],
}: AppSpec): DynamicModule {
  @Module({})
  class AppModule {}

  return {
    module: AppModule,
    imports: [...(options === false ? [] : [PlackWebSocketModule.forRoot(options)]), ...imports],
    controllers,
    providers: [...endpoints, ...providers],
  };
}

function fastifyOptions({ https }: AppSpec): ConstructorParameters<typeof FastifyAdapter>[0] {
  return https === undefined ? {} : { https };
}
