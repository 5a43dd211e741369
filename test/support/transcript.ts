import { expect } from '@jest/globals';
import type { INestApplication } from '@nestjs/common';
import { HandshakeRefusedError, type QueuedClient } from '../../src/testing.js';
import { connect } from './connect.js';
import { blocksOf, readPage } from './pages.js';

interface Line {
  readonly who: string;
  readonly verb: string;
  readonly rest: string;
}

const LINE = /^(\w+) +(connects to|is refused|is closed with|closes|stops|answers|GET|POST|[<>]) *(.*)$/;

/** The lines of a transcript. One that cannot be understood is an error, never skipped. */
function linesOf(transcript: string): Line[] {
  return transcript
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

/** The transcripts of a page, as they stand there. */
export function transcriptsOf(path: string): string[] {
  return blocksOf(readPage(path)).flatMap(({ language, code }) => (language === 'transcript' ? [code] : []));
}

/**
 * Plays a transcript against an application that listens: everything it says has to happen, and nothing else may.
 *
 * @returns how many lines it had.
 */
export async function playTranscript(app: INestApplication, transcript: string): Promise<number> {
  const lines = linesOf(transcript);
  const player = new Player(app, await app.getUrl());
  for (const [index, line] of lines.entries()) {
    try {
      await player.play(line, lines[index + 1]);
    } catch (error) {
      throw new Error(`At "${line.who} ${line.verb} ${line.rest}": ${(error as Error).message}`, { cause: error });
    }
  }
  expect(player.unmentioned).toBe(0);
  return lines.length;
}
