import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** Says which core serves and which one loads; both are undefined where processes cannot be pinned. */
export interface Cores {
  readonly server: number | undefined;
  readonly load: number | undefined;
}

const UNPINNED: Cores = { server: undefined, load: undefined };

/** Chooses the first two cores this process may use: a container often owns neither 0 nor 1. */
export function chooseCores(): Cores {
  const allowed = allowedCores();
  const [server, load] = allowed;
  if (server === undefined || load === undefined || !canPin(load)) return UNPINNED;
  return { server, load };
}

/** Puts `taskset` before a command line, so that the process is on its core from its first instruction. */
export function pinned(core: number | undefined, command: readonly string[]): readonly string[] {
  return core === undefined ? command : ['taskset', '-c', String(core), ...command];
}

/** Moves this process off the server's core. Doubles as the probe whether `taskset` works at all. */
function canPin(core: number): boolean {
  try {
    execFileSync('taskset', ['-cp', String(core), String(process.pid)], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

function allowedCores(): number[] {
  let status: string;
  try {
    status = readFileSync('/proc/self/status', 'utf8');
  } catch {
    return [];
  }
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first = Number.NaN, last = first] = range.split('-').map(Number);
    return Number.isNaN(first) ? [] : Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}
