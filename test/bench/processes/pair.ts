import { fileURLToPath } from 'node:url';
import type { ContenderName } from '../contenders/contender.js';
import type { ServerCommands } from '../contenders/serve.js';
import type { LoadCommands } from '../load/generate.js';
import { Child } from './child.js';
import type { Cores } from './cores.js';

/** A contender as a run has it: a name for the tables, and the build to load where that is a question. */
export interface Entrant {
  readonly name: ContenderName;
  readonly libraryUrl: string | undefined;
}

/** One contender's server and the load process that is its own, each on its core. */
export class Pair {
  readonly contender: ContenderName;
  readonly server: Child<ServerCommands>;
  readonly load: Child<LoadCommands>;
  #port = 0;

  private constructor(entrant: Entrant, cores: Cores) {
    this.contender = entrant.name;
    const serve = fileURLToPath(new URL('../contenders/serve.js', import.meta.url));
    const generate = fileURLToPath(new URL('../load/generate.js', import.meta.url));
    const library = entrant.libraryUrl === undefined ? [] : [entrant.libraryUrl];
    this.server = new Child(`${entrant.name} server`, cores.server, ['--expose-gc', serve, entrant.name, ...library]);
    this.load = new Child(`${entrant.name} load`, cores.load, [generate]);
  }

  static async start(entrant: Entrant, cores: Cores): Promise<Pair> {
    const pair = new Pair(entrant, cores);
    try {
      pair.#port = await pair.server.ask('port', []);
      return pair;
    } catch (error) {
      await pair.end();
      throw error;
    }
  }

  get port(): number {
    return this.#port;
  }

  async end(): Promise<void> {
    await Promise.all([this.server.end(), this.load.end()]);
  }
}
