import { isIP } from 'node:net';
import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { clientBlock, peerAddress, readAddress } from '../../../src/websocket/request/ip-address.js';

describe('readAddress', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['192.0.2.7:40001', '192.0.2.7'],
    ['192.0.2.7:_hidden', '192.0.2.7'],
    ['2001:db8::7', '2001:db8::7'],
    ['[2001:db8::7]', '2001:db8::7'],
    ['[2001:db8::7]:1', '2001:db8::7'],
    ['[2001:db8::7]:_p', '2001:db8::7'],
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8::1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['::FFFF:192.0.2.1', '192.0.2.1'],
    ['::ffff:c000:201', '192.0.2.1'],
    ['0:0:0:0:0:ffff:c000:0201', '192.0.2.1'],
    ['[::ffff:192.0.2.1]:80', '192.0.2.1'],
    ['FE80::1%eth0', 'fe80::1%eth0'],
    ['::1', '::1'],
  ])('finds the address in %s: %s', (text, address) => {
    expect(readAddress(text)).toBe(address);
  });

  it.each([
    ...[
      '',
      'unknown',
      '_hidden',
      'localhost',
      'a.example',
      '192.0.2',
      '192.0.2.256',
      '01.2.3.4',
      '0x7f.1.1.1',
      '127.1',
    ],
    ...[
      '192.0.2.7:',
      ':80',
      '192.0.2.7 192.0.2.8',
      '[192.0.2.7',
      '[]',
      '[]:1',
      '[192.0.2.7]x',
      '2001:db8::7::1',
      '%eth0',
    ],
    ...["<script>alert('x')</script>", '192.0.2.7\u001b[31m', 'x'.repeat(10_000)],
  ])('finds none in %p', (text) => {
    expect(readAddress(text)).toBe('');
  });

  it('gives an address or nothing, and what it gave it gives again', () => {
    const part = fc.constantFrom(...'0 1 255 : :: . [ ] ffff db8 % /'.split(' '));
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.array(part, { maxLength: 12 }).map((parts) => parts.join('')),
      fc.string(),
    );
    fc.assert(
      fc.property(text, (given) => {
        const address = readAddress(given);
        expect(address === '' || isIP(address) > 0).toBe(true);
        if (address !== '') expect(readAddress(address)).toBe(address);
        expect(readAddress(`[${address}]:80`)).toBe(address);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('peerAddress', () => {
  it.each([
    ['127.0.0.1', '127.0.0.1'],
    ['::ffff:127.0.0.1', '127.0.0.1'],
    ['2001:db8::1', '2001:db8::1'],
    ['::1', '::1'],
    [undefined, ''],
  ])('of a socket that says %p is %p', (remoteAddress, address) => {
    expect(peerAddress(remoteAddress)).toBe(address);
  });
});

describe('clientBlock', () => {
  it.each([
    ['192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2::', '2001:db8:1:2::/64'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['2001:db8:0:1::1', '2001:db8:0:1::/64'],
    ['1::2:3:4:5:6', '1:0:0:2::/64'],
    ['::2:3:4:5:6:7', '0:0:2:3::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80::1%eth0'],
    ['64:ff9b::c000:201', '192.0.2.1'],
    ['64:ff9b::1', '0.0.0.1'],
    ['', ''],
  ])('of %s is %s', (address, block) => {
    expect(clientBlock(address)).toBe(block);
  });

  it('is one for all addresses of a /64, however they are spelled, and another for the next', () => {
    const group = fc.integer({ min: 0, max: 0xffff }).map((value) => value.toString(16));
    const network = fc.tuple(fc.constantFrom('2001', '2a00', '3fff'), group, group, group);
    const host = fc.tuple(group, group, group, group);
    fc.assert(
      fc.property(network, host, host, group, (net, one, other, last) => {
        const block = clientBlock(readAddress([...net, ...one].join(':')));
        expect(clientBlock(readAddress([...net, ...other].join(':').toUpperCase()))).toBe(block);
        fc.pre(last !== net[3]);
        expect(clientBlock(readAddress([...net.slice(0, 3), last, ...one].join(':')))).not.toBe(block);
      }),
    );
  });
});
