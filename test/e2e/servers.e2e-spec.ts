import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer, get } from 'node:https';
import type { AddressInfo } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Inject, Injectable, Module, type INestApplication } from '@nestjs/common';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { Test, type TestingModuleBuilder } from '@nestjs/testing';
import {
  Connection,
  ConnectionRegistry,
  OnMessage,
  PlackWebSocketModule,
  PlackWsAdapter,
  WsEndpoint,
} from '../../src/index.js';
import { certificate } from '../support/certificate.js';
import { connect } from '../support/connect.js';
import { afterTest, createApp, platform, startApp } from '../support/start-app.js';

@Injectable()
class Greeting {
  readonly text: string = 'hello';
}

@WsEndpoint('greet')
class Greeter {
  constructor(@Inject(Greeting) private readonly greeting: Greeting) {}

  @OnMessage()
  answer(connection: Connection, name: unknown): string {
    return `${this.greeting.text} ${String(name)}, secure: ${connection.context.secure}`;
  }
}

const spec = { endpoints: [Greeter], providers: [Greeting] };

async function answerOf(target: Parameters<typeof connect>[0], path = '/ws/greet'): Promise<unknown> {
  const client = await connect(target, path);
  afterTest(() => client.terminate());
  await client.send('you');
  return client.next();
}

async function listen(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  afterTest(() => server.close());
  return server;
}

describe('an application over https', () => {
  it('serves wss and knows that it is secure', async () => {
    const started = await startApp({ ...spec, https: certificate });
    expect(await answerOf(started.app)).toBe('hello you, secure: true');
    expect(started.registry.url(Greeter)).toBe(`wss://127.0.0.1:${started.port}/ws/greet`);
  });

  it('takes its own https origin for the same, and http for a foreign one', async () => {
    const started = await startApp({ ...spec, https: certificate });
    const host = `127.0.0.1:${started.port}`;
    await started.connect('/ws/greet', { origin: `https://${host}` });
    await expect(started.connect('/ws/greet', { origin: `http://${host}` })).rejects.toMatchObject({ status: 403 });
  });

  it('refuses and answers plain requests as over http', async () => {
    const started = await startApp({ ...spec, https: certificate });
    await expect(started.connect('/ws/nowhere')).rejects.toMatchObject({ status: 404 });
    const request = get({ port: started.port, path: '/ws/greet', rejectUnauthorized: false, agent: false });
    const [response] = await once(request, 'response');
    response.resume();
    expect(response).toMatchObject({ statusCode: 426, headers: { upgrade: 'websocket' } });
  });

  it('closes its connections with 1001', async () => {
    const started = await startApp({ ...spec, https: certificate });
    const client = await started.connect('/ws/greet');
    await started.app.close();
    expect(await client.closed()).toEqual({ code: 1001, reason: 'server shutting down', clean: true });
  });
});

describe('an application of Test.createTestingModule', () => {
  @Controller()
  class Pages {
    @Get('page')
    page(): string {
      return 'a page';
    }
  }

  @Module({ imports: [PlackWebSocketModule.forRoot()], controllers: [Pages], providers: [Greeter, Greeting] })
  class AppModule {}

  async function compile(
    change: (builder: TestingModuleBuilder) => TestingModuleBuilder = (builder) => builder,
  ): Promise<INestApplication<Server>> {
    const module = await change(Test.createTestingModule({ imports: [AppModule] })).compile();
    const app =
      platform === 'fastify'
        ? module.createNestApplication<INestApplication<Server>>(new FastifyAdapter())
        : module.createNestApplication<INestApplication<Server>>();
    afterTest(() => app.close());
    return app;
  }

  it('is started by the client of a test', async () => {
    const app = await compile();
    expect(await answerOf(app)).toBe('hello you, secure: false');
    const { port } = app.getHttpServer().address() as AddressInfo;
    expect(await (await fetch(`http://127.0.0.1:${port}/page`)).text()).toBe('a page');
  });

  it('is served when it was only initialized, and its server listens', async () => {
    const app = await compile();
    await app.init();
    const server = await listen(app.getHttpServer());
    expect(await answerOf(server)).toBe('hello you, secure: false');
  });

  it('has what was put in the place of a provider', async () => {
    const app = await compile((builder) => builder.overrideProvider(Greeting).useValue({ text: 'good bye' }));
    expect(await answerOf(app)).toBe('good bye you, secure: false');
  });

  it('can be made again and again in one process', async () => {
    for (let round = 1; round <= 3; round += 1) {
      const app = await compile();
      expect(await answerOf(app)).toBe('hello you, secure: false');
      await app.close();
      expect(app.get(ConnectionRegistry)).toMatchObject({ size: 0, state: 'closed' });
    }
  });
});

describe('further servers', () => {
  it('serve the same endpoints, each with its own scheme', async () => {
    const started = await startApp(spec);
    const adapter = started.app.get(PlackWsAdapter);
    const [plain, tls] = [await listen(createServer()), await listen(createTlsServer(certificate))];
    adapter.attach(plain);
    adapter.attach(tls);
    expect(await answerOf(started.app)).toBe('hello you, secure: false');
    expect(await answerOf(plain)).toBe('hello you, secure: false');
    expect(await answerOf(tls)).toBe('hello you, secure: true');
    expect(started.registry.size).toBe(3);
    await expect(connect(plain, '/nowhere')).rejects.toMatchObject({ status: 404 });
  });

  it('keep their pages to themselves', async () => {
    const started = await startApp(spec);
    const server = await listen(createServer((_request, response) => response.end('a page of the owner')));
    started.app.get(PlackWsAdapter).attach(server);
    const { port } = server.address() as AddressInfo;
    expect(await (await fetch(`http://127.0.0.1:${port}/ws/greet`)).text()).toBe('a page of the owner');
  });

  it('are drained with the application, which leaves them listening', async () => {
    const started = await startApp(spec);
    const server = await listen(createServer((_request, response) => response.end('a page of the owner')));
    started.app.get(PlackWsAdapter).attach(server);
    const client = await connect(server, '/ws/greet');
    await started.app.close();
    expect(await client.closed()).toMatchObject({ code: 1001, clean: true });
    expect(server.listening).toBe(true);
    const { port } = server.address() as AddressInfo;
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('a page of the owner');
  });

  it('keep the connections they have when they are taken off', async () => {
    const started = await startApp(spec);
    const server = await listen(createServer());
    const takeOff = started.app.get(PlackWsAdapter).attach(server);
    const client = await connect(server, '/ws/greet');
    takeOff();
    await client.send('you');
    expect(await client.next()).toBe('hello you, secure: false');
    await started.app.close();
    expect(await client.closed()).toMatchObject({ code: 1001 });
  });

  it('cannot be attached before the application is initialized', async () => {
    const { app } = await createApp(spec);
    expect(() => app.get(PlackWsAdapter).attach(createServer())).toThrow(/once the application is initialized/);
  });
});
