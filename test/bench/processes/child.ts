import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Answer, Asked, Question } from './commands.js';
import { pinned } from './cores.js';

const ANSWER_TIMEOUT_MS = 60_000;

interface Waiting {
  resolve(value: unknown): void;
  reject(error: Error): void;
}

const running = new Set<ChildProcess>();

// The one hook that also runs after process.exit() and an uncaught error.
process.on('exit', () => {
  for (const child of running) child.kill('SIGKILL');
});

/** A child process that answers `Commands`, pinned to one core. */
export class Child<Commands> {
  readonly #label: string;
  readonly #process: ChildProcess;
  readonly #waiting = new Map<number, Waiting>();
  #lastId = 0;
  #ended = false;

  constructor(label: string, core: number | undefined, nodeArguments: readonly string[]) {
    this.#label = label;
    const [command = process.execPath, ...rest] = pinned(core, [process.execPath, ...nodeArguments]);
    // stdout is the report's: whatever a contender prints goes to stderr.
    this.#process = spawn(command, rest, { stdio: ['ignore', 2, 2, 'ipc'] });
    running.add(this.#process);
    this.#process.on('message', (answer: Answer) => this.#settle(answer));
    this.#process.on('error', (error) => this.#fail(error.message));
    this.#process.on('exit', (code, signal) => this.#exited(code, signal));
  }

  /** Asks the child; rejects when it fails, exits or stays silent for longer than `timeoutMs`. */
  async ask<Name extends keyof Commands & string>(
    name: Name,
    args: Asked<Commands, Name>['args'],
    timeoutMs = ANSWER_TIMEOUT_MS,
  ): Promise<Asked<Commands, Name>['value']> {
    if (this.#ended) throw new Error(`${this.#label} has ended`);
    const id = ++this.#lastId;
    const question: Question = { id, name, args };
    let timer: NodeJS.Timeout | undefined;
    try {
      return await new Promise<Asked<Commands, Name>['value']>((resolve, reject) => {
        // The child runs the `Commands` the caller names; that is the whole contract of this seam.
        this.#waiting.set(id, { resolve, reject });
        timer = setTimeout(
          () => reject(new Error(`${this.#label}: no answer to "${name}" in ${timeoutMs} ms`)),
          timeoutMs,
        );
        this.#process.send(question);
      });
    } finally {
      clearTimeout(timer);
      this.#waiting.delete(id);
    }
  }

  async end(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await exited;
  }

  #settle(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    if (answer.failure === undefined) waiting?.resolve(answer.value);
    else waiting?.reject(new Error(`${this.#label}: ${answer.failure}`));
  }

  #exited(code: number | null, signal: NodeJS.Signals | null): void {
    running.delete(this.#process);
    this.#ended = true;
    this.#fail(`ended by ${signal ?? `code ${String(code)}`}`);
  }

  #fail(reason: string): void {
    for (const waiting of this.#waiting.values()) waiting.reject(new Error(`${this.#label}: ${reason}`));
    this.#waiting.clear();
  }
}
