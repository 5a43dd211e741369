import fc from 'fast-check';
import { text } from '../../support/raw-frame.js';

/** What a client may ask for by one request. */
interface Request {
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'HEAD';
  readonly httpVersion: '1.0' | '1.1';
  readonly hasHost: boolean;
  readonly body: 'none' | 'length' | 'chunked' | 'unknown type' | 'empty';
  readonly expects: boolean;
}

/** One step of a client. */
export type Step =
  | { readonly kind: 'page'; readonly request: Request; readonly offersAnyway: boolean }
  | { readonly kind: 'foreign'; readonly request: Request; readonly protocol: string }
  | { readonly kind: 'ours'; readonly path: string; readonly early: readonly string[] };

/** How the bytes of a conversation reach the server. */
export type Delivery = 'whole' | 'byte by byte' | 'in parts' | 'step by step';

/** How the client leaves: when it has read all that it waits for, or ahead of that. */
export type Leaving = 'at the end' | 'resets' | 'ends its side';

export interface Conversation {
  readonly steps: readonly Step[];
  readonly delivery: Delivery;
  readonly leaving: Leaving;
  /** Bytes that are written before a client resets, of 1. */
  readonly share: number;
}

const plain: Request = {
  path: '/fast',
  method: 'GET',
  httpVersion: '1.1',
  hasHost: true,
  body: 'none',
  expects: false,
};

const page = fc.constantFrom(
  '/fast',
  '/fast',
  '/slow/1',
  '/slow/4',
  '/slow/15',
  '/long',
  '/empty',
  '/nowhere',
  '/last',
);

const getting: fc.Arbitrary<Request> = fc.oneof(
  { weight: 12, arbitrary: page.map((path) => ({ ...plain, path })) },
  { weight: 1, arbitrary: page.map((path) => ({ ...plain, path, method: 'HEAD' as const })) },
  // A long page in HTTP/1.0 has no length, so nobody could tell that it was cut off.
  {
    weight: 1,
    arbitrary: page.filter((path) => path !== '/long').map((path) => ({ ...plain, path, httpVersion: '1.0' as const })),
  },
  { weight: 1, arbitrary: page.map((path) => ({ ...plain, path, hasHost: false })) },
);

const posting: fc.Arbitrary<Request> = fc
  .record({
    path: fc.constantFrom('/letters', '/letters', '/nowhere'),
    body: fc.constantFrom('length' as const, 'chunked' as const, 'unknown type' as const, 'empty' as const),
    expects: fc.nat(7).map((n) => n === 0),
  })
  .map((given) => ({ ...plain, method: 'POST' as const, ...given, expects: given.expects && given.body !== 'empty' }));

const pageStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('page' as const),
      request: getting,
      offersAnyway: fc.nat(9).map((n) => n === 0),
    }),
  },
  { weight: 1, arbitrary: posting.map((request) => ({ kind: 'page' as const, request, offersAnyway: false })) },
);

const foreignStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('foreign' as const),
  request: fc.oneof({ weight: 4, arbitrary: getting }, { weight: 1, arbitrary: posting }),
  protocol: fc.constantFrom('h2c', 'h2c', 'TLS/1.0', 'websocket, h2c'),
});

const ourStep: fc.Arbitrary<Step> = fc.record({
  kind: fc.constant('ours' as const),
  path: fc.constantFrom('/ws/echo', '/ws/echo', '/ws/asked', '/ws/closed', '/nowhere'),
  early: fc.array(fc.constantFrom('one', 'two', 'x'.repeat(3_000)), { maxLength: 2 }),
});

/** Conversations of one client on one connection, with an upgrade in most of them. */
export const conversation: fc.Arbitrary<Conversation> = fc
  .record({
    steps: fc
      .tuple(
        fc.array(pageStep, { maxLength: 4 }),
        fc.oneof(
          { weight: 5, arbitrary: foreignStep },
          { weight: 3, arbitrary: ourStep },
          { weight: 1, arbitrary: pageStep },
        ),
        fc.array(fc.oneof({ weight: 3, arbitrary: pageStep }, foreignStep, ourStep), { maxLength: 2 }),
      )
      .map(([before, turn, behind]) => [...before, turn, ...behind]),
    delivery: fc.constantFrom<Delivery>('whole', 'whole', 'byte by byte', 'in parts', 'step by step'),
    leaving: fc.oneof(
      { weight: 6, arbitrary: fc.constant<Leaving>('at the end') },
      { weight: 2, arbitrary: fc.constant<Leaving>('resets') },
      { weight: 1, arbitrary: fc.constant<Leaving>('ends its side') },
    ),
    share: fc.double({ min: 0.1, max: 1, noNaN: true }),
  })
  .map(possible);

/** Without what a bare Node server does not get right by itself, or what cannot be told from outside. */
function possible({ steps, ...given }: Conversation): Conversation {
  const told = given.leaving === 'ends its side' ? { ...given, delivery: 'whole' as const } : given;
  const inParts = told.delivery === 'byte by byte' || told.delivery === 'in parts';
  const possibleSteps: Step[] = [];
  for (const [index, step] of steps.entries()) {
    possibleSteps.push(step.kind === 'ours' ? step : { ...step, request: possibleRequest(step, index, told.delivery) });
    // Node takes what comes behind a request of HTTP/1.0 for an error, and forgets the answers before it.
    if (step.kind === 'page' && step.request.httpVersion === '1.0') break;
    // Who writes to a server that has closed may lose what it did not read.
    if (step.kind === 'foreign' && hasBody(step.request) && inParts) break;
  }
  const complete = { ...told, steps: possibleSteps };
  // What fast-check prints of a conversation that fails.
  return Object.defineProperty(complete, fc.toStringMethod, { value: () => inWords(complete) });
}

function possibleRequest(
  { kind, request }: Step & { readonly request: Request },
  index: number,
  delivery: Delivery,
): Request {
  // Node mixes `100 Continue` into an answer that waits for others.
  const expects = request.expects && index === 0;
  if (delivery === 'whole' || delivery === 'step by step' || kind === 'foreign') return { ...request, expects };
  // Node takes for an error what comes while it does not read, because a long page waits for its client. And as above.
  const path = request.path === '/long' || request.path === '/last' ? '/fast' : request.path;
  return { ...request, expects, path, hasHost: true };
}

/** The same step, with a page that does not end by itself in the place of one that ends late. */
export function endless(step: Step): Step {
  if (step.kind !== 'page' || step.request.path !== '/slow/15') return step;
  return { ...step, request: { ...step.request, path: '/endless' } };
}

/** Whether it asks for an endpoint that takes everybody. */
export function isTaken(step: Step): boolean {
  return step.kind === 'ours' && (step.path === '/ws/echo' || step.path === '/ws/asked');
}

/** Whether a request has a body, so that only the parser of a server could serve it. */
export function hasBody({ body, expects }: Request): boolean {
  return expects || (body !== 'none' && body !== 'empty');
}

/** The bytes of a step, with or without what makes an upgrade of a foreign one. */
export function bytesOf(step: Step, asksForUpgrade: boolean): Buffer {
  if (step.kind === 'ours') return Buffer.concat([oursHead(step.path), ...step.early.map(text)]);
  const { path, method, httpVersion, hasHost, body, expects } = step.request;
  const lines = [`${method} ${path} HTTP/${httpVersion}`];
  if (hasHost) lines.push('Host: 127.0.0.1');
  if (step.kind === 'foreign') lines.push('Connection: Upgrade, HTTP2-Settings', 'HTTP2-Settings: AAMAAABkAAQAAP__');
  if (step.kind === 'foreign' && asksForUpgrade) lines.push(`Upgrade: ${step.protocol}`);
  // Without `Connection: Upgrade` it asks for nothing (RFC 9110 §7.8).
  if (step.kind === 'page' && step.offersAnyway) lines.push('Upgrade: h2c');
  if (expects) lines.push('Expect: 100-continue');
  const content = '{"text":"hello"}';
  if (body === 'length' || body === 'chunked') lines.push('Content-Type: application/json');
  if (body === 'unknown type') lines.push('Content-Type: application/x-letter');
  if (body === 'length' || body === 'unknown type') lines.push(`Content-Length: ${content.length}`, '', content);
  else if (body === 'empty') lines.push('Content-Length: 0', '', '');
  else if (body === 'chunked')
    lines.push('Transfer-Encoding: chunked', '', '6', '{"text', 'a', '":"hello"}', '0', '', '');
  else lines.push('', '');
  return Buffer.from(lines.join('\r\n'));
}

function oursHead(path: string): Buffer {
  return Buffer.from(
    `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n',
  );
}

/** Says in one line what is told. */
function inWords({ steps, delivery, leaving, share }: Conversation): string {
  const words = steps.map((step) => {
    if (step.kind === 'ours') return `ours ${step.path} and ${step.early.length} frames`;
    const { method, path, httpVersion, hasHost, body, expects } = step.request;
    const extras = [
      ...(httpVersion === '1.0' ? ['HTTP/1.0'] : []),
      ...(hasHost ? [] : ['no Host']),
      ...(body === 'none' ? [] : [`body: ${body}`]),
      ...(expects ? ['Expect'] : []),
      ...(step.kind === 'foreign' ? [`Upgrade: ${step.protocol}`] : []),
      ...(step.kind === 'page' && step.offersAnyway ? ['Upgrade, not in Connection'] : []),
    ];
    return [`${method} ${path}`, ...extras].join(' ');
  });
  return `${delivery}, ${leaving}${leaving === 'resets' ? ` after ${share.toFixed(2)}` : ''}: ${words.join(' | ')}`;
}
