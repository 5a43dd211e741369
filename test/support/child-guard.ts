/*
 * Runs in every child application before its own code. It handles no error: whatever would end the process still ends
 * it, and is only named on stderr first.
 */
import { writeSync } from 'node:fs';
import type { ChildFacts } from './child-app.js';

process.on('uncaughtExceptionMonitor', (_error, origin) => writeSync(2, `[child-guard] ${origin}\n`));

process.on('message', (message) => {
  if (typeof message !== 'object' || message === null || !('settle' in message)) return;
  const { settle } = message;
  // Timers fire in the order of their time: what was due in the next turns has run when this one comes.
  setTimeout(() => setImmediate(() => process.send?.({ settled: settle, ...facts() })), SETTLE_MS);
});

// A parent that is gone, however it went, takes its children along.
process.on('disconnect', () => process.exit());
process.channel?.unref();

const SETTLE_MS = 20;

function facts(): ChildFacts {
  return {
    pid: process.pid,
    // A catch-all would make every crash test pass; there must be none.
    catchAlls: process.listenerCount('uncaughtException') + process.listenerCount('unhandledRejection'),
  };
}
