import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { QueuedClient, ConnectOptions } from '../../src/testing.js';
import { connect } from '../support/connect.js';
import { RawPeer, type RawPeerOptions } from '../support/raw-peer.js';
import { afterTest } from '../support/start-app.js';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** How each of them runs a program. Node is here to prove that the tests ask for what is usual. */
export const RUNTIMES = {
  node: [process.execPath],
  bun: [at('node_modules/@oven/bun-linux-x64/bin/bun')],
  deno: [at('node_modules/@deno/linux-x64-glibc/deno'), 'run', '--allow-all'],
} as const;

export type Runtime = keyof typeof RUNTIMES;

/** An application in another runtime. */
export class RuntimeApp {
  #output = '';

  static async start(runtime: Runtime, env: Readonly<Record<string, string>> = {}): Promise<RuntimeApp> {
    const [file, ...args] = RUNTIMES[runtime];
    // The options of the test runner's Node are not those of an application.
    const { NODE_OPTIONS: _runner, ...inherited } = process.env;
    const child = spawn(file, [...args, at('.out/serve.js')], {
      env: { ...inherited, NO_COLOR: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const app = new RuntimeApp(child, env['KEY'] !== undefined);
    await app.#port;
    return app;
  }

  readonly #port: Promise<number>;
  readonly exited: Promise<unknown>;

  private constructor(
    readonly child: ChildProcess,
    private readonly tls: boolean,
  ) {
    this.exited = once(child, 'exit');
    this.#port = new Promise((resolve, reject) => {
      const hear = (text: Buffer): void => {
        this.#output += text.toString();
        const [, port] = /^port (\d+)$/m.exec(this.#output) ?? [];
        if (port !== undefined) resolve(Number(port));
      };
      child.stdout?.on('data', hear);
      child.stderr?.on('data', hear);
      child.once('exit', () => reject(new Error(`It ended:\n${this.#output}`)));
    });
  }

  /** All that it wrote, but the port. */
  get output(): string {
    return this.#output.replace(/^port \d+\n/m, '');
  }

  async url(path = '/'): Promise<URL> {
    return new URL(path, `http${this.tls ? 's' : ''}://127.0.0.1:${await this.#port}`);
  }

  async connect(path: string, options?: Partial<ConnectOptions>): Promise<QueuedClient> {
    const client = await connect(await this.url(), path, options);
    afterTest(() => client.terminate());
    return client;
  }

  async peer(options?: RawPeerOptions): Promise<RawPeer> {
    const peer = await RawPeer.open(await this.#port, options);
    afterTest(() => peer[Symbol.asyncDispose]());
    return peer;
  }

  async json(path: string, init?: RequestInit): Promise<unknown> {
    return (await fetch(await this.url(path), init)).json();
  }

  /** How the connection with this name ended, when it has. */
  async endOf(name: string): Promise<unknown> {
    for (;;) {
      const ends = (await this.json('/ends')) as Record<string, unknown>;
      if (name in ends) return ends[name];
    }
  }

  async stop(): Promise<void> {
    this.child.kill('SIGKILL');
    await this.exited;
  }
}
