import type { IncomingMessage } from 'node:http';
import { describe, expect, it } from '@jest/globals';
import {
  Catch,
  HttpException,
  Injectable,
  NotFoundException,
  ParseIntPipe,
  Query,
  UseFilters,
  UseGuards,
  type ArgumentsHost,
  type CanActivate,
  type ExceptionFilter,
  type ExecutionContext,
} from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import { of } from 'rxjs';
import { Connection, OnEstablish, OnFinish, OnMessage, WsEndpoint, WsEndpointPart } from '../../../src/index.js';
import { Journal } from '../../support/journal.js';
import { upgradeRequest } from '../../support/raw-http.js';
import { startApp, type StartedApp } from '../../support/start-app.js';

/** What a guard of the part does, as the query of the handshake asks for. */
const MANNERS: Readonly<Record<string, () => unknown>> = {
  yes: () => true,
  no: () => false,
  'no later': async () => false,
  'no as a stream': () => of(false),
  401: () => {
    throw new HttpException('who are you', 401);
  },
  '404 later': async () => {
    throw new NotFoundException();
  },
  500: () => {
    throw new HttpException('broken', 500);
  },
  throws: () => {
    throw new Error('broken');
  },
  rejects: async () => {
    throw new Error('broken');
  },
  ws: () => {
    throw new WsException('broken');
  },
};

function mannerOf(context: ExecutionContext): unknown {
  const { url } = context.switchToHttp().getRequest<{ url: string }>();
  return MANNERS[new URLSearchParams(url.split('?')[1]).get('part') ?? 'yes']?.();
}

@Injectable()
class PartGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    return context.getType() === 'http' ? (mannerOf(context) as boolean) : true;
  }
}

async function startGuarded(where: 'class' | 'method'): Promise<StartedApp & { readonly journal: Journal }> {
  const journal = new Journal();
  const none = (): void => undefined;

  @WsEndpoint({ path: 'room', serializer: 'json' })
  class Room {
    @OnEstablish()
    enter(connection: Connection): void {
      void connection.send('welcome', {});
    }

    @OnMessage('open')
    open(): string {
      return 'opened';
    }

    @OnFinish()
    leave(): void {
      journal.add('room leaves');
    }
  }

  @(where === 'class' ? UseGuards(PartGuard) : none)
  @WsEndpointPart(Room)
  class Admin {
    @(where === 'method' ? UseGuards(PartGuard) : none)
    @OnEstablish()
    enter(): void {
      journal.add('admin enters');
    }

    @OnMessage('ban')
    ban(): string {
      return 'banned';
    }

    @OnFinish()
    leave(): void {
      journal.add('admin leaves');
    }
  }

  @WsEndpointPart(Room)
  class Chat {
    @OnMessage('say')
    say(): string {
      return 'said';
    }

    @OnFinish()
    leave(): void {
      journal.add('chat leaves');
    }
  }

  const app = await startApp({ endpoints: [Room, Admin, Chat] });
  app.registry.on('finish', () => journal.add('finished'));
  return Object.assign(app, { journal });
}

describe.each(['class', 'method'] as const)('a guard on the %s of a part', (where) => {
  it('that says yes lets the part take part', async () => {
    const app = await startGuarded(where);
    const client = await app.connect('/ws/room', { query: { part: 'yes' } });
    void client.send({ event: 'ban', id: 1 });
    expect(await client.nextJson()).toEqual({ event: 'welcome', data: {} });
    expect(await client.nextJson()).toEqual({ event: 'ban', id: 1, data: 'banned' });
    await client.close();
    expect(await app.journal.reached(5)).toEqual([
      'admin enters',
      'chat leaves',
      'admin leaves',
      'room leaves',
      'finished',
    ]);
  });

  it.each(['no', 'no later', 'no as a stream', '401', '404 later'])(
    'that says %s leaves the part out, for this connection alone',
    async (part) => {
      const app = await startGuarded(where);
      const client = await app.connect('/ws/room', { query: { part } });
      for (const event of ['ban', 'say', 'open']) void client.send({ event, id: event });
      expect(await client.nextJson()).toEqual({ event: 'welcome', data: {} });
      expect(await client.nextJson()).toEqual({
        event: 'error',
        id: 'ban',
        data: { code: 'forbidden', message: 'Forbidden resource' },
      });
      expect(await client.nextJson()).toEqual({ event: 'say', id: 'say', data: 'said' });
      expect(await client.nextJson()).toEqual({ event: 'open', id: 'open', data: 'opened' });
      // Another connection is none of its concern.
      const other = await app.connect('/ws/room', { query: { part: 'yes' } });
      void other.send({ event: 'ban' });
      await other.next();
      expect(await other.nextJson()).toEqual({ event: 'ban', data: 'banned' });
      await client.close();
      expect(await app.journal.reached(4)).toEqual(['admin enters', 'chat leaves', 'room leaves', 'finished']);
      expect(app.logs.problems).toEqual([]);
      expect(app.logs.at('debug')).toContainEqual(
        expect.stringMatching(/^Admin leaves itself out: its guards said no/),
      );
    },
  );

  it.each<[string, unknown]>([
    ['500', 500],
    ['throws', expect.any(Number)],
    ['rejects', expect.any(Number)],
    ['ws', expect.any(Number)],
  ])('that fails with %s refuses the connection', async (part, status) => {
    const app = await startGuarded(where);
    await expect(app.connect('/ws/room', { query: { part } })).rejects.toMatchObject({ status });
    expect(app.journal.entries).toEqual([]);
  });
});

describe('the handshake of an endpoint with parts', () => {
  it('asks each guard of the application and of the endpoint once, and those of a part after them', async () => {
    const asked: string[] = [];
    const guard = (name: string): CanActivate => ({
      canActivate: (context) => {
        asked.push(`${name} ${context.getType()} ${context.getClass().name} ${context.getHandler().name}`);
        return true;
      },
    });

    @UseGuards(guard('endpoint'))
    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {
      @UseGuards(guard('method'))
      @OnEstablish()
      enter(): void {}
    }

    @UseGuards(guard('part'))
    @WsEndpointPart(Room)
    class Chat {
      @UseGuards(guard('method of part'))
      @OnEstablish()
      join(): void {}

      @UseGuards(guard('method of part'))
      @OnMessage('say')
      say(): string {
        return 'said';
      }
    }

    @UseGuards(guard('other part'))
    @WsEndpointPart(Room)
    class Notes {
      @OnMessage('note')
      note(): void {}
    }

    const app = await startApp({
      endpoints: [Room, Chat, Notes],
      configure: (started) => started.useGlobalGuards(guard('global')),
    });
    const client = await app.connect('/ws/room');
    expect(asked.splice(0)).toEqual([
      'global http Room enter',
      'endpoint http Room enter',
      'method http Room enter',
      'part http Chat join',
      'method of part http Chat join',
      'other part http Notes establish',
    ]);
    void client.send({ event: 'say' });
    await client.next();
    expect(asked).toEqual([
      'global ws Chat say',
      'endpoint ws Chat say',
      'part ws Chat say',
      'method of part ws Chat say',
    ]);
  });

  it('gives parameters of a part through its pipes, and refuses what they refuse', async () => {
    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {
      @OnEstablish()
      enter(connection: Connection, @Query('name') name: string): void {
        void connection.send('welcome', name);
      }
    }

    @WsEndpointPart(Room)
    class Pages {
      @OnEstablish()
      enter(connection: Connection, @Query('page', ParseIntPipe) page: number): void {
        void connection.send('page', page);
      }
    }

    const app = await startApp({ endpoints: [Room, Pages] });
    const client = await app.connect('/ws/room', { query: { name: 'Ada', page: '7' } });
    expect(await client.nextJson()).toEqual({ event: 'welcome', data: 'Ada' });
    expect(await client.nextJson()).toEqual({ event: 'page', data: 7 });
    await expect(app.connect('/ws/room', { query: { page: 'seven' } })).rejects.toMatchObject({ status: 400 });
  });

  it('gives a fault of a part to its filters, then to those of the endpoint', async () => {
    class Fault extends Error {}
    class OtherFault extends Error {}
    const answering = (text: string, type: new () => Error): ExceptionFilter => {
      @Catch(type)
      class Answering implements ExceptionFilter {
        catch(_fault: unknown, host: ArgumentsHost): void {
          host
            .switchToHttp()
            .getResponse<{ status(code: number): { send(body: string): void } }>()
            .status(418)
            .send(text);
        }
      }
      return new Answering();
    };

    @UseFilters(answering('endpoint', Fault), answering('endpoint', OtherFault))
    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {
      @OnMessage('open')
      open(): void {}
    }

    @UseFilters(answering('part', Fault))
    @UseGuards({
      canActivate: (context: ExecutionContext) => {
        const { url } = context.switchToHttp().getRequest<{ url: string }>();
        throw url.endsWith('other') ? new OtherFault() : new Fault();
      },
    })
    @WsEndpointPart(Room)
    class Chat {
      @OnMessage('say')
      say(): void {}
    }

    const app = await startApp({ endpoints: [Room, Chat] });
    await expect(app.connect('/ws/room')).rejects.toMatchObject({ status: 418, body: 'part' });
    await expect(app.connect('/ws/room?other')).rejects.toMatchObject({ status: 418, body: 'endpoint' });
  });

  it('does not go on to a part when the endpoint refuses', async () => {
    const journal = new Journal();

    @UseGuards({ canActivate: () => false })
    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {
      @OnMessage('open')
      open(): void {}
    }

    @UseGuards({ canActivate: () => journal.entries.push('asked') > 0 })
    @WsEndpointPart(Room)
    class Chat {
      @OnMessage('say')
      say(): void {}
    }

    const app = await startApp({ endpoints: [Room, Chat] });
    await expect(app.connect('/ws/room')).rejects.toMatchObject({ status: 403 });
    expect(journal.entries).toEqual([]);
  });

  it('does not go on to the next part when the client has left', async () => {
    const journal = new Journal();

    @WsEndpoint({ path: 'room', serializer: 'json' })
    class Room {
      @OnMessage('open')
      open(): void {}
    }

    @UseGuards({
      canActivate: async (context: ExecutionContext) => {
        const { socket } = context.switchToHttp().getRequest<IncomingMessage>();
        const left = new Promise((resolve) => socket.once('close', resolve));
        journal.add('first');
        await left;
        journal.add('left');
        return true;
      },
    })
    @WsEndpointPart(Room)
    class First {
      @OnMessage('first')
      first(): void {}
    }

    @UseGuards({ canActivate: () => journal.entries.push('second') > 0 })
    @WsEndpointPart(Room)
    class Second {
      @OnMessage('second')
      second(): void {}
    }

    const app = await startApp({ endpoints: [Room, First, Second] });
    const peer = await app.peer();
    await peer.writeRaw(upgradeRequest({ path: '/ws/room' }));
    await journal.reached(1);
    peer.reset();
    await journal.reached(2);
    await app.app.close();
    expect(journal.entries).toEqual(['first', 'left']);
  });
});
