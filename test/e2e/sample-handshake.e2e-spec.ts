import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../../sample/02-handshake/app.module.js';
import { HandshakeRefusedError, type QueuedClient } from '../../src/testing.js';
import { connect } from '../support/connect.js';
import { describeNest } from '../support/nest-features.js';

const README = new URL('../../sample/02-handshake/README.md', import.meta.url);

// #region badge
function badge(number: number): { authorization: string } {
  return { authorization: `Badge ${number}` };
}
// #endregion badge

/** The lines of the transcript in the README of the sample. */
function readTranscript(): string[] {
  const block = /```transcript\n(.*?)```/s.exec(readFileSync(README, 'utf8'))?.[1] ?? '';
  return block.split('\n').filter((line) => line.trim() !== '');
}

describeNest(
  'schema',
  () => {
    let app: INestApplication;

    beforeEach(async () => {
      app = await NestFactory.create(AppModule, { logger: false });
    });

    afterEach(() => app.close());

    // #region conversation
    it('lets the crew in, counts down for it, and says goodbye', async () => {
      const ada = await connect(app, '/ws/stage/1', { headers: badge(1001), protocols: ['cue.v1', 'cue.v2'] });
      expect(await ada.nextJson()).toMatchObject({ event: 'welcome', data: { name: 'Ada', protocol: 'cue.v2' } });

      await ada.send({ event: 'countdown', data: 1, id: 7 });
      expect(await ada.nextJson()).toEqual({ event: 'countdown', data: 1, id: 7 });

      await app.close();
      expect(await ada.closed()).toEqual({ code: 1001, reason: 'the house closes', clean: true });
    });

    it('refuses a guest with 403, before there is a connection', async () => {
      await expect(connect(app, '/ws/stage/1', { headers: badge(1002) })).rejects.toMatchObject({ status: 403 });
    });
    // #endregion conversation

    it('happens as its README tells', async () => {
      const told: string[] = [];
      const tell = (who: string, what: string): unknown => told.push(`${who.padEnd(7)} ${what}`);

      const comesIn = async (who: string, path: string, number?: number): Promise<QueuedClient> => {
        tell(who, `connects to ${path}${number === undefined ? '' : ` with Badge ${number}`}`);
        return connect(app, path, number === undefined ? {} : { headers: badge(number) });
      };
      const isRefused = async (who: string, path: string, number?: number): Promise<void> => {
        const refusal = await comesIn(who, path, number).catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(HandshakeRefusedError);
        const { status, body } = refusal as HandshakeRefusedError;
        tell(who, `is refused ${status} ${body}`);
      };
      const says = async (who: string, client: QueuedClient, message: string): Promise<void> => {
        tell(who, `> ${message}`);
        await client.send(message.startsWith('0x') ? Buffer.from(message.slice(2), 'hex') : message);
      };
      const hears = async (who: string, client: QueuedClient, count = 1): Promise<void> => {
        for (let heard = 0; heard < count; heard++) tell(who, `< ${String(await client.next())}`);
      };

      await isRefused('nobody', '/ws/stage/1');
      await isRefused('old', '/ws/stage/1', 1003);
      await isRefused('grace', '/ws/stage/1', 1002);
      await isRefused('ada', '/ws/stage/one', 1001);
      const ada = await comesIn('ada', '/ws/stage/1', 1001);
      await hears('ada', ada);
      await says('ada', ada, '{"event":"countdown","data":2,"id":"c1"}');
      await hears('ada', ada, 2);
      await says('ada', ada, '{"event":"countdown","data":0.5,"id":"c2"}');
      await hears('ada', ada);
      await says('ada', ada, '0x89504e47');
      await hears('ada', ada);
      tell('server', 'stops');
      await app.close();
      const { code, reason } = await ada.closed();
      tell('ada', `is closed with ${code} ${reason}`);

      expect(told).toEqual(readTranscript());
    });

    it('knows who comes back by the cookie of the 101, and closes its door to foreign pages', async () => {
      const first = await connect(app, '/ws/stage/1', { headers: badge(1001) });
      const [cookie = ''] = first.headers['set-cookie'] ?? [];
      expect(cookie).toBe('badge=1001; Path=/ws; HttpOnly; SameSite=Strict');
      // `Secure` comes with TLS, here told by the proxy on this machine that the sample trusts.
      const tls = await connect(app, '/ws/stage/1', { headers: { ...badge(1001), 'x-forwarded-proto': 'https' } });
      expect(tls.headers['set-cookie']).toEqual(['badge=1001; Path=/ws; HttpOnly; Secure; SameSite=Strict']);
      void tls.terminate();

      const page = { headers: { cookie: cookie.split(';', 1)[0] ?? '' }, origin: 'https://theatre.example' };
      const second = await connect(app, '/ws/stage/1', page);
      expect(await second.nextJson()).toMatchObject({ data: { name: 'Ada', returning: true } });

      const foreign = connect(app, '/ws/stage/1', { ...page, origin: 'https://evil.example' });
      await expect(foreign).rejects.toMatchObject({ status: 403 });
      await expect(connect(app, '/ws/stage/1', page)).rejects.toMatchObject({ status: 429 });
    });
  },
  'the sample 02-handshake',
);
