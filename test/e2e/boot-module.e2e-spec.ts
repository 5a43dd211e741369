import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Module, type DynamicModule } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { Transport } from '@nestjs/microservices';
import { ExpressAdapter } from '@nestjs/platform-express';
import {
  ConfigurationError,
  ConnectionRegistry,
  OnEstablish,
  OnMessage,
  PlackWebSocketModule,
  WsEndpoint,
  type PlackWebSocketModuleAsyncOptions,
  type PlackWebSocketModuleOptions,
  type PlackWebSocketOptionsFactory,
} from '../../src/index.js';
import { LogRecorder } from '../support/log-recorder.js';
import { rootModule, startApp } from '../support/start-app.js';

@WsEndpoint('events')
class Events {
  @OnMessage('ask')
  answer(): string {
    return 'answer';
  }
}

describe('forRootAsync', () => {
  @Injectable()
  class Config {
    readonly path = '/configured';
  }

  @Module({ providers: [Config], exports: [Config] })
  class ConfigModule {}

  const optionsOf = ({ path }: Config): PlackWebSocketModuleOptions => ({ path, serializer: 'json' });

  @Injectable()
  class ConfiguredOptions implements PlackWebSocketOptionsFactory {
    constructor(@Inject(Config) private readonly config: Config) {}

    createPlackWebSocketOptions(): PlackWebSocketModuleOptions {
      return optionsOf(this.config);
    }
  }

  @Module({ imports: [ConfigModule], providers: [ConfiguredOptions], exports: [ConfiguredOptions] })
  class OptionsModule {}

  it.each<[string, PlackWebSocketModuleAsyncOptions]>([
    ['useFactory', { imports: [ConfigModule], inject: [Config], useFactory: optionsOf }],
    [
      'useFactory that is asynchronous',
      { imports: [ConfigModule], inject: [Config], useFactory: async (config: Config) => optionsOf(config) },
    ],
    ['useFactory without anything injected', { useFactory: () => ({ path: '/configured', serializer: 'json' }) }],
    ['useClass', { imports: [ConfigModule], useClass: ConfiguredOptions }],
    ['useExisting', { imports: [OptionsModule], useExisting: ConfiguredOptions }],
  ])('takes the options from %s', async (_how, options) => {
    const app = await startApp({
      endpoints: [Events],
      options: false,
      imports: [PlackWebSocketModule.forRootAsync(options)],
    });
    const client = await app.connect('/configured/events');
    void client.send({ event: 'ask' });
    expect(await client.nextJson()).toEqual({ event: 'ask', data: 'answer' });
  });

  it('checks what comes out as forRoot does', async () => {
    const imports = [PlackWebSocketModule.forRootAsync({ useFactory: () => ({ path: 5 }) as never })];
    await expect(startApp({ options: false, imports })).rejects.toThrow(ConfigurationError);
  });

  it.each<[string, PlackWebSocketModuleAsyncOptions]>([
    ['none', {}],
    ['two', { useFactory: () => ({}), useClass: ConfiguredOptions }],
    ['all', { useFactory: () => ({}), useClass: ConfiguredOptions, useExisting: ConfiguredOptions }],
  ])('refuses %s of the three ways', (_what, options) => {
    expect(() => PlackWebSocketModule.forRootAsync(options)).toThrow(ConfigurationError);
    expect(() => PlackWebSocketModule.forRootAsync(options)).toThrow(
      'exactly one of useFactory, useClass and useExisting',
    );
  });
});

describe('the module imported without forRoot', () => {
  const remedy =
    'PlackWebSocketModule is imported without options. Write PlackWebSocketModule.forRoot() or .forRootAsync() in the ' +
    'imports of the root module; no other module has to import it.';

  it('stops the application and says how to import it', async () => {
    await expect(startApp({ endpoints: [Events], options: false, imports: [PlackWebSocketModule] })).rejects.toThrow(
      new ConfigurationError(remedy),
    );
  });

  it('stops the application beside an import with forRoot as well', async () => {
    @Module({ imports: [PlackWebSocketModule] })
    class FeatureModule {}
    const options = { serializer: 'json' } as const;
    await expect(startApp({ endpoints: [Events], options, imports: [FeatureModule] })).rejects.toThrow(
      new ConfigurationError(remedy),
    );
  });
});

describe('without an HTTP server the module does nothing', () => {
  @WsEndpoint('quiet')
  class Quiet {
    @OnEstablish()
    enter(): void {}
  }

  const root = (): DynamicModule => rootModule({ endpoints: [Quiet] });

  it('in an application context', async () => {
    const logger = new LogRecorder();
    const context = await NestFactory.createApplicationContext(root(), { logger, abortOnError: false });
    const registry = context.get(ConnectionRegistry);
    expect([registry.size, registry.broadcast('x')]).toEqual([0, { matched: 0, sent: 0, dropped: 0 }]);
    expect(registry.state).toBe('starting');
    expect(() => registry.url(Quiet)).toThrow(
      new ConfigurationError(
        'Quiet has no URL here: this is an application context or a microservice, which has no HTTP server. ' +
          'Build the URL in the application that serves it, or hand it over in the configuration.',
      ),
    );
    await context.close();
    expect(logger.problems).toEqual([]);
    expect(logger.at('log').join('\n')).not.toContain('Mapped');
  });

  it('in a microservice', async () => {
    const logger = new LogRecorder();
    const options = { transport: Transport.TCP, options: { host: '127.0.0.1', port: 0 } } as const;
    const service = await NestFactory.createMicroservice(root(), { ...options, logger, abortOnError: false });
    await service.listen();
    expect(service.get(ConnectionRegistry).size).toBe(0);
    await service.close();
    expect(logger.problems).toEqual([]);
  });
});

it('a platform whose HTTP server cannot upgrade is an error at boot', async () => {
  class ServerlessAdapter extends ExpressAdapter {
    override getHttpServer<T>(): T {
      return { once: () => undefined, address: () => null } as T;
    }
  }
  const settings = { logger: new LogRecorder(), abortOnError: false };
  const app = await NestFactory.create(
    rootModule({ endpoints: [Events], options: { serializer: 'json' } }),
    new ServerlessAdapter(),
    settings,
  );
  await expect(app.init()).rejects.toThrow(ConfigurationError);
  await expect(app.init()).rejects.toThrow('not supported by the server');
});

it('the application stops twice as it stops once, and starts again as a new one', async () => {
  const first = await startApp({ endpoints: [Events], options: { serializer: 'json' } });
  const client = await first.connect('/ws/events');
  const server = first.app.getHttpServer();
  await first.app.close();
  await first.app.close();
  expect(await client.closed()).toMatchObject({ code: 1001, reason: 'server shutting down', clean: true });
  expect([server.listenerCount('upgrade'), Object.hasOwn(server, 'emit')]).toEqual([0, false]);
  const second = await startApp({ endpoints: [Events], options: { serializer: 'json' } });
  await second.connect('/ws/events');
  expect([first.registry.state, second.registry.state]).toEqual(['closed', 'accepting']);
});
