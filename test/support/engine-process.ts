import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { patient } from './patience.js';

/** How a server is started. */
export interface EngineProgram {
  /** A program on the `PATH`. */
  readonly file: string;
  /** Its arguments, so that it listens on the port of 127.0.0.1 and keeps its files in the folder. */
  args(port: number, folder: string): readonly string[];
}

/**
 * A server of our own on a free port, which a test may pause, kill and start again on the same port. It knows no test runner: end it with
 * `afterTest(() => engine.end())`.
 */
export class EngineProcess {
  readonly port: number;
  readonly #program: EngineProgram;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  #output = '';

  private constructor(program: EngineProgram, port: number, folder: string) {
    this.#program = program;
    this.port = port;
    this.#folder = folder;
  }

  /** Starts it, and waits until it takes connections. */
  static async start(program: EngineProgram): Promise<EngineProcess> {
    const engine = await EngineProcess.reserve(program);
    await engine.start();
    return engine;
  }

  /** One that has its port and is not started yet. */
  static async reserve(program: EngineProgram): Promise<EngineProcess> {
    return new EngineProcess(program, await freePort(), await mkdtemp(join(tmpdir(), 'engine-')));
  }

  /** Starts it, for the first time or again, with other arguments if some are given. */
  async start(more: readonly string[] = []): Promise<void> {
    const { file, args } = this.#program;
    const child = spawn(file, [...args(this.port, this.#folder), ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
    this.#child = child;
    child.on('error', (error) => (this.#output += String(error)));
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (this.#output += String(text)));
    const giveUp = performance.now() + patient(10_000);
    while (!(await takesConnections(this.port))) {
      if (child.exitCode !== null || performance.now() > giveUp)
        throw new Error(`${file} did not start:\n${this.#output}`);
      await setTimeout(10);
    }
  }

  /** What it has written, for the message of a failed test. */
  get output(): string {
    return this.#output;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Stops it in the middle of whatever it does: connections stay, and nothing answers. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  /** Lets a paused one go on. */
  resume(): void {
    this.#child?.kill('SIGCONT');
  }

  /** Ends it as a power failure does. */
  async kill(): Promise<void> {
    await this.#exit('SIGKILL');
  }

  /** Ends it as an operator does. */
  async stop(): Promise<void> {
    this.resume();
    await this.#exit('SIGTERM');
  }

  /** Kills it if it runs, and removes its files. */
  async end(): Promise<void> {
    await this.kill();
    await rm(this.#folder, { recursive: true, force: true });
  }

  async #exit(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const exited = once(child, 'exit');
    child.kill(signal);
    await exited;
  }
}

/** A port of 127.0.0.1 that is free now, also the one above it by 10,000, which servers of a cluster speak on. */
async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    server.close();
    await once(server, 'close');
    if (port < 55_000 && !(await takesConnections(port + 10_000))) return port;
  }
}

function takesConnections(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}
