import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';
import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { answerCommands, monotonicMs, type Usage, usage } from '../processes/commands.js';
import type { BroadcastOrder, ChannelOrder, ContenderName, ContenderServer } from './contender.js';

// The process of a server under test: `node serve.js <contender> <library url>`.

export interface MemoryUse {
  readonly rssBytes: number;
  /** JavaScript heap and what hangs on it outside the heap. */
  readonly heapBytes: number;
}

export interface LoopHold {
  readonly maxMs: number;
  readonly p99Ms: number;
  /** The most CPU time between two turns: what the server itself held, whoever else had its core meanwhile. */
  readonly maxCpuMs: number;
}

/** How often the event loop is looked at, and how long before what shall be seen: a first look has no predecessor. */
const LOOK_EVERY_MS = 1;
const LEAD_MS = 5;

export class ServerCommands {
  readonly #starting: Promise<ContenderServer>;
  #monitor: IntervalHistogram | undefined;
  #cpuWatch: NodeJS.Timeout | undefined;
  #maxCpuUs = 0;

  constructor(starting: Promise<ContenderServer>) {
    this.#starting = starting;
  }

  async port(): Promise<number> {
    return (await this.#starting).port;
  }

  async connectionCount(): Promise<number> {
    return (await this.#starting).connectionCount();
  }

  usage(): Usage {
    return usage();
  }

  async memory(): Promise<MemoryUse> {
    // Twice: finalizers of the first collection free what the second one finds.
    for (let i = 0; i < 2; i += 1) {
      globalThis.gc?.();
      await nextTurn();
    }
    const { rss, heapUsed, external } = process.memoryUsage();
    return { rssBytes: rss, heapBytes: heapUsed + external };
  }

  /** Returns the moment at which sending began. */
  async broadcast(order: BroadcastOrder): Promise<number> {
    const server = await this.#starting;
    const beganMs = monotonicMs();
    for (let time = 0; time < order.times; time += 1) {
      if (time > 0) await nextTurn();
      for (let i = 0; i < order.burst; i += 1) server.broadcast(order.text);
    }
    return beganMs;
  }

  async channels(order: ChannelOrder): Promise<void> {
    const server = await this.#starting;
    if (server.channels === undefined) throw new Error('it has no such channels');
    server.channels(order);
  }

  async watchLoop(): Promise<void> {
    this.#monitor = monitorEventLoopDelay({ resolution: LOOK_EVERY_MS });
    this.#monitor.enable();
    this.#maxCpuUs = 0;
    const { user, system } = process.cpuUsage();
    let lastUs = user + system;
    this.#cpuWatch = setInterval(() => {
      const now = process.cpuUsage();
      this.#maxCpuUs = Math.max(this.#maxCpuUs, now.user + now.system - lastUs);
      lastUs = now.user + now.system;
    }, LOOK_EVERY_MS);
    await pause(LEAD_MS);
  }

  loopHold(): LoopHold {
    const monitor = this.#monitor;
    if (monitor === undefined) throw new Error('the event loop is not watched');
    monitor.disable();
    clearInterval(this.#cpuWatch);
    return { maxMs: monitor.max / 1e6, p99Ms: monitor.percentile(99) / 1e6, maxCpuMs: this.#maxCpuUs / 1000 };
  }
}

async function start(name: ContenderName | undefined, libraryUrl: string | undefined): Promise<ContenderServer> {
  // Imported one by one, so that no server carries the code of the others in its memory.
  switch (name) {
    case 'ours':
    case 'base':
    case 'parts':
      if (libraryUrl === undefined) throw new Error('no library given');
      return (await import('./ours.js')).startOurs(libraryUrl);
    case 'ws':
      return (await import('./raw-ws.js')).startRawWs();
    case 'platform-ws':
      return (await import('./platform-ws.js')).startPlatformWs();
    case 'socket.io':
      return (await import('./platform-socket-io.js')).startPlatformSocketIo();
    case 'tcp':
      return (await import('./raw-tcp.js')).startRawTcp();
    default:
      throw new Error(`unknown contender ${String(name)}`);
  }
}

const [, , name, libraryUrl] = process.argv;
const starting = start(name as ContenderName | undefined, libraryUrl);
// The parent learns of a failed start when it asks for the port.
starting.catch(() => {});
answerCommands(new ServerCommands(starting));
