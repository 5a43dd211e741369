import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { AppModule } from '../../sample/01-chat/app.module.js';
import { connect, HandshakeRefusedError, type QueuedClient } from '../../src/testing.js';

const README = new URL('../../sample/01-chat/README.md', import.meta.url);

interface Line {
  readonly who: string;
  readonly verb: string;
  readonly rest: string;
}

const LINE = /^(\w+) +(connects to|is refused|is closed with|closes|stops|answers|GET|POST|[<>]) *(.*)$/;

/** The lines of the transcript; a line that nobody understands is an error, never skipped. */
function readTranscript(): Line[] {
  const block = /```transcript\n(.*?)```/s.exec(readFileSync(README, 'utf8'))?.[1] ?? '';
  return block
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, who, verb, rest] = LINE.exec(line) ?? [];
      if (who === undefined || verb === undefined || rest === undefined) {
        throw new SyntaxError(`The transcript has a line that cannot be played: ${line}`);
      }
      return { who, verb, rest };
    });
}

/** Bytes are written as `0x…`; anything else is the very text that goes over the wire. */
function toMessage(text: string): string | Buffer {
  return text.startsWith('0x') ? Buffer.from(text.slice(2), 'hex') : text;
}

/** Plays a transcript line by line, each after the one before was seen to happen. */
class Player {
  readonly #clients = new Map<string, QueuedClient>();
  #refused: HandshakeRefusedError | undefined;
  #answer: Response | undefined;

  constructor(
    private readonly app: INestApplication,
    private readonly origin: string,
  ) {}

  /** Messages that arrived and that the transcript does not mention. */
  get unmentioned(): number {
    return [...this.#clients.values()].reduce((sum, client) => sum + client.pending, 0);
  }

  async play({ who, verb, rest }: Line, next: Line | undefined): Promise<void> {
    switch (verb) {
      case 'connects to':
        return this.#connect(who, rest, next?.verb === 'is refused');
      case 'is refused':
        expect(`${this.#refused?.status} ${this.#refused?.body}`).toBe(rest);
        return;
      case '>':
        return this.#client(who).send(toMessage(rest));
      case '<':
        expect(await this.#client(who).next()).toEqual(toMessage(rest));
        return;
      case 'closes':
        await this.#client(who).close(1000);
        return;
      case 'is closed with': {
        const { code, reason } = await this.#client(who).closed();
        expect(`${code} ${reason}`).toBe(rest);
        return;
      }
      case 'stops':
        return this.app.close();
      case 'answers':
        expect(`${this.#answer?.status} ${await this.#answer?.text()}`).toBe(rest);
        return;
      default:
        this.#answer = await fetch(`${this.origin}${rest}`, { method: verb });
    }
  }

  async #connect(who: string, path: string, isToBeRefused: boolean): Promise<void> {
    const opening = connect(this.app, path);
    if (!isToBeRefused) {
      this.#clients.set(who, await opening);
      return;
    }
    this.#refused = await opening.then(
      () => undefined,
      (error: unknown) => (error instanceof HandshakeRefusedError ? error : Promise.reject(error)),
    );
  }

  #client(who: string): QueuedClient {
    const client = this.#clients.get(who);
    if (!client) throw new Error(`${who} is not connected`);
    return client;
  }
}

describe('the sample 01-chat', () => {
  let app: INestApplication;

  beforeEach(async () => {
    app = await NestFactory.create(AppModule, { logger: false });
    await app.listen(0, '127.0.0.1');
  });

  afterEach(() => app.close());

  it('does what the transcript in its README says, and nothing else', async () => {
    const lines = readTranscript();
    const player = new Player(app, await app.getUrl());

    for (const [index, line] of lines.entries()) {
      try {
        await player.play(line, lines[index + 1]);
      } catch (error) {
        throw new Error(`At "${line.who} ${line.verb} ${line.rest}": ${(error as Error).message}`, { cause: error });
      }
    }

    expect(lines.length).toBeGreaterThan(20);
    expect(player.unmentioned).toBe(0);
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

  it('serves the page and its files, and no other file', async () => {
    const url = await app.getUrl();
    const page = await fetch(url);
    const html = await page.text();
    expect(page.headers.get('content-security-policy')).toContain("default-src 'none'");

    const files = [...html.matchAll(/(?:href|src)="(\/page\/[^"]+)"/g)].map(([, file]) => file);
    expect(files).toEqual(['/page/chat.css', '/page/chat.js']);
    for (const file of files) expect((await fetch(`${url}${file}`)).status).toBe(200);
    for (const file of ['/page/main.js', '/page/..%2fmain.ts', '/page/constructor']) {
      expect((await fetch(`${url}${file}`)).status).toBe(404);
    }
  });
});
