import { describe, expect, it } from '@jest/globals';
import { errorText } from '../../../src/websocket/log/error-text.js';
import { escapeLine } from '../../../src/websocket/log/escape.js';

describe('a line', () => {
  it.each([
    ['line ends', 'a\r\nERROR forged', 'a\\r\\nERROR forged'],
    ['escape sequences', '\u001b[31mred', '\\e[31mred'],
    ['C1 controls', '\u009b31m', '\\u009b31m'],
    ['separators of lines', 'a\u2028b', 'a\\u2028b'],
    ['marks of direction', 'a\u202eb\u2066', 'a\\u202eb\\u2066'],
    ['halves of a pair', 'a\ud800b', 'a\\ud800b'],
  ])('has no %s', (_what, text, expected) => {
    expect(escapeLine(text, 100)).toBe(expected);
  });

  it('keeps letters of any language, and pairs', () => {
    expect(escapeLine('żółć 日本 😀', 100)).toBe('żółć 日本 😀');
  });

  it('says how much of it is left out', () => {
    expect(escapeLine('x'.repeat(1_000_000), 10)).toBe('xxxxxxxxxx… (999990 more characters)');
  });
});

describe('the text of an error', () => {
  it('has its class, its stack, its fields and its causes', () => {
    const cause = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED', port: 5432 });
    const text = errorText(new TypeError('fetch failed', { cause }));
    expect(text).toMatch(/^TypeError: fetch failed\n {4}at /);
    expect(text).toMatch(/\n {2}\[cause\] Error: connect ECONNREFUSED\n {6}at /);
    expect(text).toContain('\n    code: ECONNREFUSED\n    port: 5432');
  });

  it('has the errors of an AggregateError', () => {
    const text = errorText(new AggregateError([new Error('first'), 'second'], 'all failed'));
    expect(text).toContain('[errors[0]] Error: first');
    expect(text).toContain('[errors[1]] second');
  });

  it('has no line that a message made up', () => {
    const error = new Error('quoted:\n[Nest] 1 ERROR forged\n    at forged (/x.js:1:1)');
    const lines = errorText(error).split('\n');
    expect(lines[0]).toBe('Error: quoted:\\n[Nest] 1 ERROR forged\\n    at forged (/x.js:1:1)');
    expect(lines.slice(1).every((line) => line.startsWith('    at '))).toBe(true);
  });

  it.each<[string, () => unknown]>([
    ['a revoked proxy', () => revoked()],
    ['an error whose message throws', () => Object.defineProperty(new Error('x'), 'message', { get: thrower })],
    ['an error whose stack throws', () => Object.defineProperty(new Error('x'), 'stack', { get: thrower })],
    ['an error that is its own cause', () => Object.assign(new Error('x'), { cause: undefined }) && selfCaused()],
    ['a symbol', () => Symbol('s')],
    ['an object without a prototype', () => Object.create(null) as unknown],
  ])('is there for %s', (_what, make) => {
    const text = errorText(make());
    expect(text).not.toBe('');
    expect(text.length).toBeLessThan(50_000);
  });

  it('is bounded, whatever an error quotes', () => {
    expect(errorText(new Error('y'.repeat(5_000_000))).length).toBeLessThan(20_000);
  });
});

function thrower(): never {
  throw new Error('looked at');
}

function revoked(): unknown {
  const { proxy, revoke } = Proxy.revocable({}, {});
  revoke();
  return proxy;
}

function selfCaused(): Error {
  const error = new Error('around');
  error.cause = error;
  return error;
}
