import { once } from 'node:events';
import { runInNewContext } from 'node:vm';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { WebSocket } from 'ws';
import { AppModule as Hello } from '../../sample/00-hello/app.module.js';
import { ConnectionRegistry } from '../../src/index.js';
import { HandshakeRefusedError } from '../../src/testing.js';
import { connect } from '../support/connect.js';
import { describeNest } from '../support/nest-features.js';
import { blocksOf, readPage } from '../support/pages.js';
import { playTranscript, transcriptsOf } from '../support/transcript.js';

describe('the sample 00-hello', () => {
  it.each(['sample/00-hello/README.md', 'README.md'])('does what the transcript in %s says', async (page) => {
    const [transcript = ''] = transcriptsOf(page);
    const app = await NestFactory.create(Hello, { logger: false });
    try {
      await app.listen(0, '127.0.0.1');
      expect(await playTranscript(app, transcript)).toBeGreaterThan(5);
    } finally {
      await app.close();
    }
  });
});

describe('the lines for the console in README.md', () => {
  it('make a socket that hears what another tab says', async () => {
    const [lines = ''] = blocksOf(readPage('README.md')).flatMap(({ language, code }) =>
      language === 'js' ? [code] : [],
    );
    const app = await NestFactory.create(Hello, { logger: false });
    try {
      await app.listen(0, '127.0.0.1');
      const [one, other] = [openTab(lines, await app.getUrl()), openTab(lines, await app.getUrl())];
      await Promise.all([once(one.socket, 'open'), once(other.socket, 'open')]);
      const printed = once(other.socket, 'message');
      const answered = once(one.socket, 'message');
      one.say('hello');
      await Promise.all([printed, answered]);
      expect(one.log).toEqual(['{"event":"say","data":"you said hello","id":1}']);
      expect(other.log).toEqual(['{"event":"said","data":"hello"}']);
    } finally {
      await app.close();
    }
  });
});

describe('the answer in the console of README.md', () => {
  it('is the one that a plain request gets', async () => {
    const [said = ''] = blocksOf(readPage('README.md')).flatMap(({ language, code }) =>
      language === 'console' ? [code] : [],
    );
    const [command = '', statusLine, ...rest] = said.trimEnd().split('\n');
    const app = await NestFactory.create(Hello, { logger: false });
    try {
      await app.listen(0, '127.0.0.1');
      const url = command.replace('$ curl -i http://localhost:3000', await app.getUrl());
      const answer = await fetch(url);
      expect(`HTTP/1.1 ${answer.status} ${answer.statusText}`).toBe(statusLine);
      for (const line of rest.slice(0, -1).filter((one) => one !== '…')) {
        const [name = '', value] = line.split(': ');
        expect([name, answer.headers.get(name)]).toEqual([name, value]);
      }
      expect(await answer.text()).toBe(rest.at(-1));
    } finally {
      await app.close();
    }
  });
});

interface Tab {
  readonly socket: WebSocket;
  readonly say: (text: string) => void;
  readonly log: unknown[];
}

/** Runs the lines as a browser's console would, for a server on another port. */
function openTab(lines: string, url: string): Tab {
  const log: unknown[] = [];
  const source = lines.replace('ws://localhost:3000', url.replace('http', 'ws'));
  expect(source).not.toBe(lines);
  const globals = { WebSocket, console: { log: (...printed: unknown[]) => log.push(...printed) } };
  return { ...(runInNewContext(`${source}; ({ socket, say })`, globals) as Omit<Tab, 'log'>), log };
}

describeNest('schema', () => {
  describe('the sample 01-chat', () => {
    let app: INestApplication;

    beforeEach(async () => {
      const { AppModule } = await import('../../sample/01-chat/app.module.js');
      app = await NestFactory.create(AppModule, { logger: false });
      await app.listen(0, '127.0.0.1');
    });

    afterEach(() => app.close());

    it('does what the transcript in its README says, and nothing else', async () => {
      const [transcript = ''] = transcriptsOf('sample/01-chat/README.md');
      expect(await playTranscript(app, transcript)).toBeGreaterThan(20);
    });

    it('refuses over HTTP what the handshake refuses', async () => {
      const knock = async (query: string): Promise<[number, string]> => {
        const answer = await fetch(`${await app.getUrl()}/knock?${query}`);
        return [answer.status, await answer.text()];
      };

      for (const query of ['room=lobby', 'room=lobby&name=%07', 'room=Grand%20Hall&name=Ada']) {
        const room = encodeURIComponent(new URLSearchParams(query).get('room') ?? '');
        const refusal = await connect(app, `/ws/rooms/${room}?${query}`).catch((error: unknown) => error);
        expect(refusal).toBeInstanceOf(HandshakeRefusedError);
        const { status, body } = refusal as HandshakeRefusedError;
        expect(await knock(query)).toEqual([status, body]);
      }
      expect(await knock('room=lobby&name=Ada')).toEqual([204, '']);
    });

    it('says hello for its own page and for programs, not for pages of others and not by a link', async () => {
      const url = await app.getUrl();
      const post = async (origin?: string): Promise<number> =>
        (await fetch(`${url}/say_hi`, { method: 'POST', ...(origin !== undefined && { headers: { origin } }) })).status;
      expect([await post(), await post(url)]).toEqual([200, 200]);
      expect([await post('https://evil.example'), await post('null')]).toEqual([403, 403]);
      expect((await fetch(`${url}/say_hi`)).status).toBe(404);
    });

    it('keeps rooms apart from other names of the application', async () => {
      const ada = await connect(app, '/ws/rooms/lobby?name=Ada');
      expect(await ada.nextJson()).toMatchObject({ event: 'welcome' });
      const registry = app.get(ConnectionRegistry);
      expect([registry.to('lobby').size, registry.to('room:lobby').size]).toEqual([0, 1]);
      void ada.terminate();
    });

    it('serves the page and its files, and no other file', async () => {
      const url = await app.getUrl();
      const page = await fetch(url);
      const html = await page.text();
      expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");

      expect(page.headers.get('x-content-type-options')).toBe('nosniff');
      const files = [...html.matchAll(/(?:href|src)="(\/page\/[^"]+)"/g)].map(([, file]) => file);
      expect(files).toEqual(['/page/chat.css', '/page/chat.js']);
      for (const file of files) {
        const served = await fetch(`${url}${file}`);
        expect([served.status, served.headers.get('x-content-type-options')]).toEqual([200, 'nosniff']);
      }
      for (const file of ['/page/main.js', '/page/..%2fmain.ts', '/page/constructor']) {
        expect((await fetch(`${url}${file}`)).status).toBe(404);
      }
    });
  });
});
