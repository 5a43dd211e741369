import { readFileSync } from 'node:fs';

/** What a child process can be asked: a name, plain arguments, a plain answer. */
export interface Question {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

/** The answer to the question with the same id. */
export interface Answer {
  readonly id: number;
  readonly value?: unknown;
  readonly failure?: string;
}

/** CPU time of a process at a moment of the monotonic clock, which all processes of a machine share. */
export interface Usage {
  readonly cpuUs: number;
  /** How long the main thread could have run but another process had the core; 0 where Linux does not say. */
  readonly waitedUs: number;
  readonly atMs: number;
}

/** The methods of `Commands` that can be asked from the parent process. */
export type Asked<Commands, Name extends keyof Commands> = Commands[Name] extends (...args: infer Args) => infer Result
  ? { readonly args: Args; readonly value: Awaited<Result> }
  : never;

export function usage(): Usage {
  const { user, system } = process.cpuUsage();
  return { cpuUs: user + system, waitedUs: waitedUs(), atMs: monotonicMs() };
}

export function monotonicMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

function waitedUs(): number {
  try {
    return Number(readFileSync('/proc/self/schedstat', 'utf8').split(' ')[1]) / 1000;
  } catch {
    return 0;
  }
}

/** Answers the parent's questions with the methods of `commands`, and ends with the parent. */
export function answerCommands(commands: object): void {
  process.on('disconnect', () => process.exit());
  process.on('message', (question: Question) => {
    const method: unknown = Reflect.get(commands, question.name);
    Promise.resolve()
      .then(() => {
        if (typeof method !== 'function') throw new Error(`unknown command ${question.name}`);
        const value: unknown = Reflect.apply(method, commands, question.args);
        return value;
      })
      .then(
        (value) => answer({ id: question.id, value }),
        (error: unknown) =>
          answer({ id: question.id, failure: error instanceof Error ? error.message : String(error) }),
      );
  });
}

function answer(message: Answer): void {
  process.send?.(message);
}
