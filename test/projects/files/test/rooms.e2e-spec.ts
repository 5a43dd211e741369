import { INestApplication } from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { connect } from 'nestjs-plack-websocket/testing';
import { AppModule } from './../src/app.module.js';
import { enter } from './client.js';

describe('RoomsEndpoint (e2e)', () => {
  let app: INestApplication;

  beforeEach(async () => {
    const moduleFixture = await Test.createTestingModule({ imports: [AppModule] }).compile();
    app = moduleFixture.createNestApplication();
    await app.init();
  });

  afterEach(() => app.close());

  it('welcomes, answers, and closes with 1001', async () => {
    const client = await enter(app, 7);
    expect(await client.nextJson()).toEqual({ event: 'welcome', data: { room: 7, text: 'Hello World!' } });
    await client.send({ event: 'say', data: 'hello', id: 1 });
    expect(await client.nextJson()).toEqual({ event: 'say', data: 'you said hello', id: 1 });
    await app.close();
    expect(await client.closed()).toMatchObject({ code: 1001, clean: true });
  });

  it('refuses with 403 without the token, and with 400 where the room is not a number', async () => {
    await expect(connect(app, '/ws/rooms/7')).rejects.toMatchObject({ status: 403 });
    await expect(enter(app, 'seven')).rejects.toMatchObject({ status: 400 });
  });
});
