import type { Misbehaviour } from './misbehaviour.js';
import type { Outcome, Stage, Trial } from './trial.js';

/** One row of the matrix: a fault, how to provoke it in each stage, and what comes of it. */
export interface Row {
  readonly title: string;
  /** A stage in which the fault makes no sense is left out. */
  readonly trials: Readonly<Partial<Record<Stage, Trial>>>;
  readonly library: Readonly<Record<Stage, Outcome>>;
  readonly stock: Readonly<Record<Stage, Outcome>>;
}

export const STAGES: readonly Stage[] = ['establish', 'message', 'finish'];

type Outcomes = readonly [establish: Outcome, message: Outcome, finish: Outcome];

// What this library promises.
const CONTAINED: Outcomes = ['closes 1011', 'answers error', 'closes normally'];
// Not a fault of `@OnEstablish`: a return value that nobody asked for, or a `send` whose promise is ignored.
const HARMLESS_IN_ESTABLISH: Outcomes = ['stays open', 'answers error', 'closes normally'];
// The handler of the connection answers for itself, even if the message came during `@OnEstablish`.
const ERROR_OF_MESSAGE: Outcomes = ['answers error', 'answers error', 'closes normally'];

// What shows only at the end, when nobody is left to be told.
const UNSEEN: Outcomes = ['stays open', 'no answer', 'closes normally'];

// What stock gateways do, as measured.
const MESSAGE_FILTERED: Outcomes = ['process ends', 'answers exception', 'process ends'];
const MESSAGE_LOST: Outcomes = ['process ends', 'no answer', 'process ends'];
const FATAL: Outcomes = ['process ends', 'process ends', 'process ends'];
const RESULT_IGNORED: Outcomes = ['stays open', 'answers exception', 'closes normally'];
const RESULT_UNREAD: Outcomes = ['stays open', 'answers {}', 'closes normally'];

/** The matrix. The outcomes are expectations that the tests hold against both servers. */
export const MATRIX: readonly Row[] = [
  row('throws', method('throw'), CONTAINED, MESSAGE_FILTERED),
  row('throws what has no text', method('throw-textless'), CONTAINED, MESSAGE_FILTERED),
  row('throws `undefined`', method('throw-undefined'), CONTAINED, MESSAGE_FILTERED),
  row('rejects', method('reject'), CONTAINED, MESSAGE_FILTERED),
  row('rejects with `undefined`', method('reject-undefined'), CONTAINED, MESSAGE_FILTERED),
  row('returns an Observable that errors', method('observable'), CONTAINED, RESULT_IGNORED),
  row('returns an async iterable that throws', method('iterable'), HARMLESS_IN_ESTABLISH, RESULT_UNREAD),
  row(
    'returns an Observable that errors, as does its clean-up',
    method('observable-cleanup'),
    CONTAINED,
    RESULT_IGNORED,
  ),
  row('returns an Observable whose clean-up throws at the end', onlyMessage('endless-cleanup'), UNSEEN, UNSEEN),
  row('returns an async iterable whose clean-up throws', onlyMessage('iterable-cleanup'), UNSEEN, RESULT_UNREAD),
  row('replies with, or sends, a BigInt', method('bigint'), HARMLESS_IN_ESTABLISH, FATAL),
  row('replies with, or sends, a cycle', method('cycle'), HARMLESS_IN_ESTABLISH, FATAL),
  row('replies with, or sends, 20,000 levels of nesting', method('deep'), HARMLESS_IN_ESTABLISH, FATAL),
  row('throws, and so does the error handler', alsoIn('error'), CONTAINED, MESSAGE_LOST),
  row('throws, and so does the finish handler', alsoIn('finish'), CONTAINED, FATAL),
  row('throws in a handler of one connection', ofConnection('throw'), ERROR_OF_MESSAGE, FATAL),
  row('rejects in a handler of one connection', ofConnection('reject'), ERROR_OF_MESSAGE, FATAL),
];

/** The matrix as the document that readers get; laid out as prettier lays out tables. */
export function renderMatrix(): string {
  const cells = [
    ['A handler …', ...STAGES.map((stage) => `in ${stage}`)],
    ...MATRIX.map((line) => [line.title, ...STAGES.map((stage) => cell(line, stage))]),
  ];
  const widths = STAGES.concat('establish').map((_stage, column) => {
    return Math.max(...cells.map((line) => line[column]?.length ?? 0));
  });
  const lines = cells.map((line) => `| ${line.map((text, column) => text.padEnd(widths[column] ?? 0)).join(' | ')} |`);
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return `# What a faulty handler does to the process

Each cell: what a stock gateway on \`@nestjs/platform-ws\` does → what an endpoint of this library does. **Ends** is the
process, _closes_ the connection, and an event such as \`error\` is the answer to the client. After every fault of this
library the process is the same, other clients get their answers and new ones can connect.

${[lines[0], rule, ...lines.slice(1)].join('\n')}

Measured and held by \`crash-matrix.e2e-spec.ts\`.
`;
}

function cell(line: Row, stage: Stage): string {
  const [stock, library] = [line.stock[stage], line.library[stage]];
  if (!line.trials[stage]) return '–';
  return stock === library ? `both: ${words(stock)}` : `${words(stock)} → ${words(library)}`;
}

function words(outcome: Outcome): string {
  return outcome === 'process ends' ? '**ends**' : outcome.replace(/^answers (.*)$/, '`$1`');
}

function row(title: string, trials: Row['trials'], library: Outcomes, stock: Outcomes): Row {
  return { title, trials, library: byStage(library), stock: byStage(stock) };
}

function byStage([establish, message, finish]: Outcomes): Record<Stage, Outcome> {
  return { establish, message, finish };
}

/** The handler of the stage itself does it. */
function method(what: Misbehaviour): Record<Stage, Trial> {
  return {
    establish: { stage: 'establish', query: { establish: what }, kind: '', culprit: 'establish' },
    message: { stage: 'message', query: {}, kind: what, culprit: 'message' },
    finish: { stage: 'finish', query: { finish: what }, kind: '', culprit: 'finish' },
  };
}

/** The handler of a message does it, and what is wrong shows when the connection ends. */
function onlyMessage(what: Misbehaviour): Row['trials'] {
  return { message: method(what).message };
}

/** The handler of the stage throws, and then one more: the error handler, or the finish handler at the end. */
function alsoIn(second: 'error' | 'finish'): Row['trials'] {
  const { establish, message, finish } = method('throw');
  const query = { [second]: 'throw' };
  return {
    establish: { ...establish, query: { ...establish.query, ...query } },
    message: { ...message, query },
    // Here the first to throw is a finish handler of the connection.
    finish: { ...finish, query: { ...finish.query, ...query, onFinish: 'throw' } },
  };
}

/** A handler that was given to one connection does it; in establish, with a message that came before its end. */
function ofConnection(what: Misbehaviour): Row['trials'] {
  return {
    establish: { stage: 'establish', query: { onMessage: what, gate: 'shut' }, kind: '', culprit: 'onMessage' },
    message: { stage: 'message', query: { onMessage: what }, kind: 'nothing', culprit: 'onMessage' },
    finish: { stage: 'finish', query: { onFinish: what }, kind: '', culprit: 'onFinish' },
  };
}
