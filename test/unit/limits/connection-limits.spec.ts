import { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import { ConnectionLimits, type CountLimits } from '../../../src/websocket/limits/connection-limits.js';
import { userIdOf } from '../../../src/websocket/limits/user-id.js';
import { UPGRADE_ERRORS } from '../../../src/websocket/errors/upgrade-error.js';
import { ProxyTrust } from '../../../src/websocket/request/proxy-trust.js';
import { RequestContext } from '../../../src/websocket/request/request-context.js';

/** The request of a client, as far as limits look at it. */
function contextOf(ip: string | undefined, user?: unknown): RequestContext {
  const socket = Object.defineProperty(new Socket(), 'remoteAddress', { value: ip });
  const context = new RequestContext(new IncomingMessage(socket), '/', {}, new ProxyTrust(false));
  context.user = user;
  return context;
}

function limitsOf(limits: CountLimits): ConnectionLimits {
  return new ConnectionLimits(limits, undefined);
}

const retryAfter = { 'Retry-After': expect.stringMatching(/^[2-9]$/) };
/** Without a status of its own it gets that of the table. */
const FULL = { error: 'too many connections' as const, status: undefined, headers: retryAfter };
const TOO_MANY = { error: 'too many connections', status: 429, headers: retryAfter };

/** What a call throws. */
function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return undefined;
}

describe('limits of connections', () => {
  it('count nothing where no limit is set', () => {
    const limits = limitsOf({});
    for (let i = 0; i < 100; i++) limits.take(contextOf('192.0.2.1', 'ada')).identify(contextOf('192.0.2.1', 'ada'));
    expect(limits.total).toBe(0);
  });

  it('refuse with 503 and a time to come back when all places are taken, until one is given back', () => {
    const limits = limitsOf({ maxConnections: 2 });
    const first = limits.take(contextOf('192.0.2.1'));
    limits.take(contextOf('192.0.2.2'));
    expect(thrownBy(() => limits.take(contextOf('192.0.2.3')))).toMatchObject(FULL);
    expect(UPGRADE_ERRORS[FULL.error].status).toBe(503);
    first.release();
    limits.take(contextOf('192.0.2.3'));
    expect(limits.total).toBe(2);
  });

  it('take a place back once, however often it is given', () => {
    const limits = limitsOf({ maxConnections: 2, maxConnectionsPerIp: 2, maxConnectionsPerUser: 2 });
    const ada = contextOf('192.0.2.1', 'ada');
    const [first, second] = [limits.take(ada), limits.take(ada)];
    first.identify(ada);
    second.identify(ada);
    first.release();
    first.release();
    expect(limits.total).toBe(1);
    limits.take(ada).identify(ada);
    expect(thrownBy(() => limits.take(ada))).toMatchObject(FULL);
  });
});

describe('limits of one address', () => {
  it('refuse with 429 and leave other addresses alone', () => {
    const limits = limitsOf({ maxConnectionsPerIp: 1 });
    const place = limits.take(contextOf('192.0.2.1'));
    expect(thrownBy(() => limits.take(contextOf('192.0.2.1')))).toMatchObject(TOO_MANY);
    limits.take(contextOf('192.0.2.2'));
    place.release();
    limits.take(contextOf('192.0.2.1'));
    expect(limits.total).toBe(2);
  });

  it('count the addresses of an IPv6 network as one, and a mapped IPv4 address as itself', () => {
    const limits = limitsOf({ maxConnectionsPerIp: 1 });
    limits.take(contextOf('2001:db8:0:1::1'));
    expect(thrownBy(() => limits.take(contextOf('2001:db8:0:1:ffff::2')))).toMatchObject(TOO_MANY);
    limits.take(contextOf('2001:db8:0:2::1'));
    limits.take(contextOf('::ffff:192.0.2.1'));
    expect(thrownBy(() => limits.take(contextOf('192.0.2.1')))).toMatchObject(TOO_MANY);
  });

  it('do not take clients without a known address for one client', () => {
    const limits = limitsOf({ maxConnectionsPerIp: 1 });
    limits.take(contextOf(undefined));
    limits.take(contextOf(undefined));
    expect(limits.total).toBe(2);
  });

  it('keep no place for a client that they refuse', () => {
    const limits = limitsOf({ maxConnections: 2, maxConnectionsPerIp: 1 });
    limits.take(contextOf('192.0.2.1'));
    expect(thrownBy(() => limits.take(contextOf('192.0.2.1')))).toMatchObject(TOO_MANY);
    limits.take(contextOf('192.0.2.2'));
    expect(limits.total).toBe(2);
  });
});

describe('limits of one user', () => {
  it('tell that the user has too many once it is known, and the place is still to be given back', () => {
    const limits = limitsOf({ maxConnectionsPerUser: 1 });
    const ada = contextOf('192.0.2.1', { id: 7 });
    const first = limits.take(ada);
    first.identify(ada);
    const second = limits.take(ada);
    expect(second.identify(ada)).toBe(false);
    second.release();
    expect(limits.total).toBe(1);
    first.release();
    limits.take(ada).identify(ada);
    expect(limits.total).toBe(1);
  });

  it('do not count a user who is not known, nor one whose connection is over', () => {
    const limits = limitsOf({ maxConnectionsPerUser: 1 });
    const guest = contextOf('192.0.2.1');
    limits.take(guest).identify(guest);
    limits.take(guest).identify(guest);
    const ada = contextOf('192.0.2.1', 'ada');
    const over = limits.take(ada);
    over.release();
    over.identify(ada);
    limits.take(ada).identify(ada);
    expect(limits.total).toBe(3);
  });

  it.each([
    ['ada', 'ada'],
    [7, '7'],
    [{ id: 'ada' }, 'ada'],
    [{ id: 0 }, '0'],
    [{ sub: 'auth|7' }, 'auth|7'],
    [{ id: 1, sub: 'x' }, '1'],
    [{ sub: 'auth|7', _id: 'x' }, 'auth|7'],
    [null, undefined],
    [undefined, undefined],
  ])('know %j by %j', (user, id) => {
    expect(userIdOf(contextOf('192.0.2.1', user), undefined, 'a limit')).toBe(id);
  });
});
