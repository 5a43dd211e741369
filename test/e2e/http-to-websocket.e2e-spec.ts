import { describe, expect, it } from '@jest/globals';
import { Controller, Get, Param, Post } from '@nestjs/common';
import request from 'supertest';
import { Connection, ConnectionRegistry, OnEstablish, WsEndpoint, type Delivery } from '../../src/index.js';
import { startApp } from '../support/start-app.js';

@WsEndpoint({ path: 'rooms/:room', serializer: 'json' })
class RoomEndpoint {
  @OnEstablish()
  enter(connection: Connection, @Param('room') room: string): void {
    connection.join(room);
  }
}

@Controller()
class HelloController {
  constructor(private readonly registry: ConnectionRegistry) {}

  @Post('say_hi')
  everybody(): Delivery {
    return this.registry.broadcast({ text: 'Hello!' });
  }

  @Post('say_hi/:room')
  room(@Param('room') room: string): Delivery {
    return this.registry.to(room).send({ text: `Hello, ${room}!` });
  }

  @Get('ready')
  ready(): { state: string; connections: number } {
    return { state: this.registry.state, connections: this.registry.size };
  }
}

describe('a controller with the injected registry', () => {
  it('says hello to everybody, to a room, and before anybody is there', async () => {
    const app = await startApp({ endpoints: [RoomEndpoint], controllers: [HelloController] });
    const http = request(app.app.getHttpServer());
    await http.post('/say_hi').expect(201, { matched: 0, sent: 0, dropped: 0 });
    await http.get('/ready').expect(200, { state: 'accepting', connections: 0 });

    const ann = await app.connect('/ws/rooms/red');
    const ben = await app.connect('/ws/rooms/blue');
    await http.get('/ready').expect(200, { state: 'accepting', connections: 2 });
    await http.post('/say_hi').expect(201, { matched: 2, sent: 2, dropped: 0 });
    expect([await ann.nextJson(), await ben.nextJson()]).toEqual([{ text: 'Hello!' }, { text: 'Hello!' }]);

    await http.post('/say_hi/blue').expect(201, { matched: 1, sent: 1, dropped: 0 });
    await http.post('/say_hi').expect(201);
    // What came first for each shows that the room was told and nobody else.
    expect(await ben.nextJson()).toEqual({ text: 'Hello, blue!' });
    expect(await ann.nextJson()).toEqual({ text: 'Hello!' });
  });
});
