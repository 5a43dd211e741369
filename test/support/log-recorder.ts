import type { LoggerService } from '@nestjs/common';

export type LogLevel = 'log' | 'warn' | 'error' | 'debug' | 'verbose' | 'fatal';

/** A logger that keeps what it is told, so that a test can read the log instead of the terminal. */
export class LogRecorder implements LoggerService {
  readonly lines: { readonly level: LogLevel; readonly text: string }[] = [];

  readonly log = this.#recording('log');
  readonly warn = this.#recording('warn');
  readonly error = this.#recording('error');
  readonly debug = this.#recording('debug');
  readonly verbose = this.#recording('verbose');
  readonly fatal = this.#recording('fatal');

  /** The texts of one level, in order. */
  at(level: LogLevel): string[] {
    return this.lines.filter((line) => line.level === level).map(({ text }) => text);
  }

  /** What an operator has to look at. */
  get problems(): string[] {
    return this.lines
      .filter(({ level }) => level === 'error' || level === 'warn' || level === 'fatal')
      .map(({ text }) => text);
  }

  #recording(level: LogLevel): (message: unknown, ...rest: unknown[]) => void {
    return (message, ...rest) => {
      const extra = rest.filter((part) => typeof part === 'string').join(' ');
      this.lines.push({ level, text: `${String(message)} ${extra}`.trim() });
    };
  }
}
