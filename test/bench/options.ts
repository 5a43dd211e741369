import { parseArgs } from 'node:util';
import { CONTENDER_NAMES, type ContenderName } from './contenders/contender.js';
import type { EchoOrder } from './load/echo-load.js';

const HELP = `npm run bench -- [flags]
  --only a,b         these workloads or groups, e.g. json-echo/1,growth,broadcast/1000x10
  --contenders a,b   of ${CONTENDER_NAMES.join(', ')}
  --rounds N         interleaved rounds (default 7)
  --seconds N        measured seconds per contender, workload and round (default 1)
  --base <commit>    measures that commit too, as the contender "base"
  --idle N           connections of the idle workload (default 10000)
  --refill how       burst: next messages after the last reply (default); sliding: one for each reply
  --quick            2 short rounds, at most 1000 connections: proves that it runs, measures nothing
  --json             results as JSON on stdout
  --write            puts the results into README.md and results.svg; a run without a choice does so by itself
  --list             names the workloads
`;

export interface BenchOptions {
  readonly only: readonly string[] | undefined;
  readonly contenders: readonly ContenderName[];
  readonly rounds: number;
  readonly seconds: number;
  readonly base: string | undefined;
  readonly idleConnections: number;
  readonly maxConnections: number;
  readonly refill: EchoOrder['refill'];
  readonly json: boolean;
  readonly list: boolean;
  /** True where the run answers all questions about all contenders. */
  readonly complete: boolean;
  readonly write: boolean;
}

/** Reads the flags; undefined when only help was wanted. @throws on a flag or a value that means nothing. */
export function readOptions(args: readonly string[]): BenchOptions | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      only: { type: 'string' },
      contenders: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      base: { type: 'string' },
      idle: { type: 'string' },
      refill: { type: 'string', default: 'burst' },
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      list: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(HELP);
    return undefined;
  }
  const { quick, base, refill } = values;
  if (refill !== 'burst' && refill !== 'sliding') throw new Error(`--refill is burst or sliding, not "${refill}"`);
  const complete =
    values.only === undefined && values.contenders === undefined && base === undefined && !quick && refill === 'burst';
  return {
    only: list(values.only),
    contenders: contenders(list(values.contenders), base),
    rounds: positive('rounds', values.rounds, quick ? 2 : 7),
    seconds: positive('seconds', values.seconds, quick ? 0.2 : 1),
    base,
    idleConnections: positive('idle', values.idle, quick ? 1_000 : 10_000),
    maxConnections: quick ? 1_000 : Number.POSITIVE_INFINITY,
    refill,
    json: values.json,
    list: values.list,
    complete,
    write: values.write || complete,
  };
}

function contenders(chosen: readonly string[] | undefined, base: string | undefined): ContenderName[] {
  const known = CONTENDER_NAMES.filter((name) => name !== 'base' || base !== undefined);
  const unknown = chosen?.find((name) => !known.some((other) => other === name));
  if (unknown !== undefined) throw new Error(`--contenders knows ${known.join(', ')}, not "${unknown}"`);
  return known.filter((name) => chosen === undefined || chosen.includes(name) || name === 'base');
}

function list(value: string | undefined): string[] | undefined {
  return value?.split(',').map((item) => item.trim());
}

function positive(flag: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (!(number > 0)) throw new Error(`--${flag} needs a positive number, not "${value}"`);
  return number;
}
