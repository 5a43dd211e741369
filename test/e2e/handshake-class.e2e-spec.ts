import { describe, expect, it } from '@jest/globals';
import { ForbiddenException, Inject, Injectable } from '@nestjs/common';
import {
  Connection,
  ConnectionRegistry,
  HandshakeResult,
  OnEstablish,
  RequestContext,
  WsEndpoint,
  type HandshakeResponse,
} from '../../src/index.js';
import { startApp } from '../support/start-app.js';

@WsEndpoint('probe')
class Probe {
  @OnEstablish()
  enter(connection: Connection, @HandshakeResult(0) first: unknown): void {
    void connection.send(String(first));
  }
}

describe('a handshake hook that is a class', () => {
  @Injectable()
  class Names {
    readonly of = (token: string): string => `name of ${token}`;
  }

  it('is the provider of the application, with what is injected', async () => {
    @Injectable()
    class NameHandshake {
      constructor(@Inject(Names) private readonly names: Names) {}

      handshake(context: RequestContext, response: HandshakeResponse): readonly [HandshakeResponse, ...unknown[]] {
        return [response, this.names.of(String(context.query['token']))];
      }
    }
    const app = await startApp({
      endpoints: [Probe],
      providers: [Names, NameHandshake],
      options: { handshake: NameHandshake },
    });
    const client = await app.connect('/ws/probe', { query: { token: 't' } });
    expect(await client.next()).toBe('name of t');
  });

  it('is built from global providers when nobody provides it', async () => {
    @Injectable()
    class OneAtATime {
      constructor(@Inject(ConnectionRegistry) private readonly registry: ConnectionRegistry) {}

      async handshake(): Promise<void> {
        if (this.registry.size > 0) throw new ForbiddenException('occupied');
      }
    }
    const app = await startApp({ endpoints: [Probe], options: { handshake: OneAtATime } });
    await app.connect('/ws/probe');
    await expect(app.connect('/ws/probe')).rejects.toMatchObject({ status: 403 });
  });
});
