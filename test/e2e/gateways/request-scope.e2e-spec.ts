import { describe, expect, it } from '@jest/globals';
import { Inject, Injectable, Scope } from '@nestjs/common';
import { REQUEST } from '@nestjs/core';
import {
  MessageBody,
  SubscribeMessage,
  WebSocketGateway,
  type OnGatewayConnection,
  type OnGatewayDisconnect,
} from '@nestjs/websockets';
import type { WebSocket } from 'ws';
import { Gate, Journal } from '../../support/journal.js';
import { describeNest } from '../../support/nest-features.js';
import { BOTH, OURS, startGateways } from './start-gateways.js';

let made = 0;

@Injectable({ scope: Scope.REQUEST })
class Notes {
  readonly number = (made += 1);
  constructor(@Inject(REQUEST) readonly client: WebSocket) {}
}

describeNest('gatewayScope', () => {
  describe.each([...BOTH, ...OURS.slice(1)])('a gateway of request scope on $name', (installation) => {
    it('has instances for each client, which see that client', async () => {
      const calls = new Journal();
      @WebSocketGateway({ path: '/scoped' })
      class Scoped implements OnGatewayConnection, OnGatewayDisconnect {
        constructor(@Inject(Notes) private readonly notes: Notes) {}

        handleConnection(client: WebSocket): void {
          calls.add(`connected ${this.notes.client === client}`);
        }

        @SubscribeMessage('which')
        which(@MessageBody() data: unknown): unknown {
          return { event: 'which', data: [data, this.notes.number, this.notes.client.readyState] };
        }

        handleDisconnect(client: WebSocket): void {
          calls.add(`disconnected ${this.notes.client === client}`);
        }
      }
      const app = await startGateways([Scoped], { providers: [Notes] }, installation);
      const [one, two] = [await app.connect('/scoped'), await app.connect('/scoped')];
      await calls.reached(2);
      await one.send({ event: 'which', data: 'one' });
      await two.send({ event: 'which', data: 'two' });
      const [first, second] = [await one.nextJson<{ data: unknown[] }>(), await two.nextJson<{ data: unknown[] }>()];
      expect([first.data[0], second.data[0]]).toEqual(['one', 'two']);
      expect([first.data[2], second.data[2]]).toEqual([1, 1]);
      expect(first.data[1]).not.toBe(second.data[1]);
      await one.close();
      await two.close();
      await calls.reached(4);
      expect(calls.entries).toEqual([...Array(2).fill('connected true'), ...Array(2).fill('disconnected true')]);
    });
  });

  describe.each(OURS)('a slow handleConnection of request scope on $name', (installation) => {
    it('is awaited before the first message is handled', async () => {
      const known = new Gate();
      const order: string[] = [];
      @WebSocketGateway({ path: '/slow' })
      class Slow implements OnGatewayConnection {
        constructor(@Inject(Notes) private readonly notes: Notes) {}

        async handleConnection(): Promise<void> {
          await known.opened;
          order.push(`connected ${this.notes.number > 0}`);
        }

        @SubscribeMessage('ask')
        ask(@MessageBody() data: unknown): unknown {
          order.push(`asked ${String(data)}`);
          return { event: 'answer', data };
        }
      }
      const app = await startGateways([Slow], { providers: [Notes] }, installation);
      const client = await app.connect('/slow');
      await client.send({ event: 'ask', data: 1 });
      await app.connect('/slow');
      await new Promise((resolve) => setImmediate(resolve));
      expect(order).toEqual([]);
      known.open();
      expect(await client.nextJson()).toEqual({ event: 'answer', data: 1 });
      expect(order).toContain('connected true');
      expect(order.at(-1)).toBe('asked 1');
    });
  });
});
