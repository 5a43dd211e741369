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

  /** `Logger.overrideLogger` with levels asks for it in Nest 10. */
  setLogLevels(): void {}

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

  /** Waits for a line of a level that matches. */
  waitFor(level: LogLevel, pattern: RegExp): Promise<void> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (!this.at(level).some((text) => pattern.test(text))) return;
        this.#watchers.delete(look);
        resolve();
      };
      this.#watchers.add(look);
      look();
    });
  }

  readonly #watchers = new Set<() => void>();

  #recording(level: LogLevel): (message: unknown, ...rest: unknown[]) => void {
    return (message, ...rest) => {
      const extra = rest.filter((part) => typeof part === 'string').join(' ');
      // Nest 10 measures how long it takes to find out what a module is, and a busy machine makes it warn.
      if (extra === 'ModuleTokenFactory') return;
      this.lines.push({ level, text: `${String(message)} ${extra}`.trim() });
      for (const look of this.#watchers) look();
    };
  }
}
