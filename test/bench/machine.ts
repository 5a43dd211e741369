import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, loadavg, platform, release } from 'node:os';
import type { Cores } from './processes/cores.js';

/** What has to be known to believe or to repeat a result. */
export interface Machine {
  readonly node: string;
  readonly commit: string;
  readonly base: string | undefined;
  readonly cpu: string;
  readonly system: string;
  readonly pinned: string;
  readonly loadBefore: string;
  readonly versions: string;
}

const COMPARED_PACKAGES = ['ws', '@nestjs/platform-ws', '@nestjs/platform-socket.io', 'socket.io'];

export function describeMachine(root: string, cores: Cores, base: string | undefined): Machine {
  const all = cpus();
  return {
    node: process.version,
    commit: describeCommit(root),
    base,
    cpu: `${all.length} × ${all[0]?.model.trim() ?? 'unknown'}`,
    system: `${platform()} ${release()}`,
    pinned:
      cores.server === undefined
        ? 'NOT pinned: no taskset, or fewer than two cores'
        : `server on core ${cores.server}, load on core ${String(cores.load)}`,
    loadBefore: loadavg()
      .map((load) => load.toFixed(2))
      .join(' '),
    versions: COMPARED_PACKAGES.map((name) => `${name} ${versionOf(name)}`).join(', '),
  };
}

function describeCommit(root: string): string {
  try {
    const git = (...args: string[]): string =>
      execFileSync('git', args, { cwd: root, encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }).trim();
    const changed = git('status', '--porcelain', '--', 'src', 'package.json') !== '';
    return `${git('rev-parse', '--short', 'HEAD')}${changed ? ' with changes' : ''}`;
  } catch {
    return 'not committed';
  }
}

function versionOf(name: string): string {
  const directories = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const directory of directories) {
    try {
      const { version } = JSON.parse(readFileSync(`${directory}/${name}/package.json`, 'utf8')) as { version: string };
      return version;
    } catch {
      // Not in this node_modules: the next one up.
    }
  }
  return 'unknown';
}
