import { fork, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll } from '@jest/globals';
import { buildFixtures } from './fixture-build.js';
import { patient } from './patience.js';

/** How a child process ended. */
export interface ChildExit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** What a living child tells about itself. */
export interface ChildFacts {
  readonly pid: number;
  /** Listeners of `uncaughtException` and `unhandledRejection` together. */
  readonly catchAlls: number;
}

export interface ChildAppOptions {
  /** Added to the environment of the child. */
  readonly env?: Readonly<Record<string, string>>;
  /** Milliseconds until a child that did not report its port is given up. Default `patient(10_000)`. */
  readonly readyTimeoutMs?: number;
}

/** A message of a fixture to its test: an object of the fixture's choice. */
export type ChildMessage = Readonly<Record<string, unknown>>;

const GUARD = new URL('./child-guard.ts', import.meta.url);
const running = new Set<ChildApp>();

let testsAreOver = false;

// No test file leaves a process behind, whatever happened in it.
afterAll(async () => {
  testsAreOver = true;
  await Promise.all([...running].map((child) => child.stop()));
});

/**
 * An application in a process of its own, for what would end the test process otherwise. The fixture is a TypeScript
 * file that starts a server and then reports its port:
 *
 * ```ts
 * await app.listen(0, '127.0.0.1');
 * process.send?.({ port: app.getHttpServer().address().port });
 * ```
 */
export class ChildApp implements AsyncDisposable {
  /** Settles when the process is gone and its output is complete; never rejects. */
  readonly exited: Promise<ChildExit>;
  readonly #process: ChildProcess;
  readonly #messages: ChildMessage[] = [];
  readonly #wakers = new Set<() => void>();
  #exit: ChildExit | undefined;
  #port = 0;
  #settles = 0;
  #stdout = '';
  #stderr = '';

  /** Compiles the fixture if needed, starts it and waits for its port. */
  static async start(fixture: URL, options: ChildAppOptions = {}): Promise<ChildApp> {
    const [guard, entry] = await buildFixtures([GUARD, fixture]);
    return ChildApp.#open(String(guard), String(entry), options);
  }

  /** Starts a program that is JavaScript already, and waits for its port. */
  static async run(program: URL, options: ChildAppOptions = {}): Promise<ChildApp> {
    const [guard] = await buildFixtures([GUARD]);
    return ChildApp.#open(String(guard), String(program), options);
  }

  static async #open(guard: string, entry: string, options: ChildAppOptions): Promise<ChildApp> {
    if (testsAreOver) throw new Error('The tests of this file are over; nobody would end the child.');
    const child = new ChildApp(guard, fileURLToPath(entry), options.env ?? {});
    try {
      child.#port = await child.#ready(options.readyTimeoutMs ?? patient(10_000));
      return child;
    } catch (error) {
      await child.stop();
      throw error;
    }
  }

  private constructor(guard: string, entry: string, env: Readonly<Record<string, string>>) {
    // The options of the test runner's Node are not those of an application.
    const { NODE_OPTIONS: _runner, ...inherited } = process.env;
    this.#process = fork(entry, {
      execArgv: ['--enable-source-maps', '--import', guard],
      env: { ...inherited, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    running.add(this);
    this.#process.stdout?.setEncoding('utf8').on('data', (text: string) => (this.#stdout += text));
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => (this.#stderr += text));
    this.#process.on('message', (message) => {
      this.#messages.push(Object(message));
      this.#wake();
    });
    this.exited = new Promise((resolve) => {
      const finish = (code: number | null, signal: NodeJS.Signals | null): void => {
        this.#exit = { code, signal };
        running.delete(this);
        this.#wake();
        resolve(this.#exit);
      };
      this.#process.on('close', finish);
      this.#process.on('error', (error) => {
        this.#stderr += String(error);
        if (this.#process.pid === undefined) finish(null, null);
      });
    });
  }

  get port(): number {
    return this.#port;
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** How it ended; `undefined` while it runs. */
  get exit(): ChildExit | undefined {
    return this.#exit;
  }

  get stdout(): string {
    return this.#stdout;
  }

  get stderr(): string {
    return this.#stderr;
  }

  /** Sends a message to the fixture; lost if the process is gone. */
  tell(message: ChildMessage): void {
    if (this.#process.connected) this.#process.send(message, () => undefined);
  }

  /**
   * Waits until the fixture has sent a message with a property of this name, if it has not yet, and gives its value.
   * `undefined` if the process ends first.
   */
  async heard(name: string): Promise<unknown> {
    return (await this.#message((message) => name in message))?.[name];
  }

  /**
   * Waits until everything that the child had to do at once is done, timers of no delay and unhandled rejections
   * included. `undefined` if that ended it.
   */
  async settled(): Promise<ChildFacts | undefined> {
    const id = (this.#settles += 1);
    this.tell({ settle: id });
    const answer = await this.#message((message) => message['settled'] === id);
    return answer && { pid: Number(answer['pid']), catchAlls: Number(answer['catchAlls']) };
  }

  /** Sends a signal, such as the `SIGTERM` of a deploy. */
  kill(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }

  /** Ends the process at once and waits until it is gone. */
  async stop(): Promise<ChildExit> {
    this.#process.kill('SIGKILL');
    return this.exited;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }

  async #ready(timeoutMs: number): Promise<number> {
    const limit = setTimeout(() => this.#process.kill('SIGKILL'), timeoutMs);
    const port = await this.heard('port');
    clearTimeout(limit);
    if (typeof port === 'number') return port;
    const end = this.#exit ? `ended with ${this.#exit.code ?? this.#exit.signal}` : 'sent no port number';
    throw new Error(`The child application ${end} before it was ready:\n${this.#stdout}${this.#stderr}`);
  }

  async #message(matches: (message: ChildMessage) => boolean): Promise<ChildMessage | undefined> {
    for (;;) {
      const message = this.#messages.find(matches);
      if (message || this.#exit) return message;
      await new Promise<void>((resolve) => this.#wakers.add(resolve));
    }
  }

  #wake(): void {
    const wakers = [...this.#wakers];
    this.#wakers.clear();
    for (const wake of wakers) wake();
  }
}
