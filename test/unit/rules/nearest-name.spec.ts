import { describe, expect, it } from '@jest/globals';
import { LimitsOptions } from '../../../src/websocket/limits/limits.options.js';
import { PlackWebSocketOptions } from '../../../src/websocket/plack-websocket.options.js';
import { suggest } from '../../../src/websocket/rules/nearest-name.js';
import { LIMITS } from '../../../src/websocket/options/option-tables.js';

const LIMIT_NAMES = Object.keys(LIMITS);

describe('the name that was probably meant', () => {
  it.each([
    ['maxPayload', 'maxPayloadBytes'],
    ['payloadBytes', 'maxPayloadBytes'],
    ['maxPayloadbytes', 'maxPayloadBytes'],
    ['maxFragmetns', 'maxFragments'],
    ['maxFragment', 'maxFragments'],
    ['overflows', 'overflow'],
    ['maxConnectionPerIp', 'maxConnectionsPerIp'],
    ['maxConnectionsPerIP', 'maxConnectionsPerIp'],
    ['messagePerSecond', 'messagesPerSecond'],
  ])('of %s is %s', (wrong, meant) => {
    expect(suggest(wrong, LIMIT_NAMES).nearest).toBe(meant);
  });

  it.each(['rooms', 'x', '', 'perMessageDeflate', 'maximum'])('of %p is none', (wrong) => {
    expect(suggest(wrong, LIMIT_NAMES).nearest).toBeUndefined();
  });
});

it('every name is given once, the nearest first', () => {
  const names = Object.keys(new PlackWebSocketOptions());
  for (const wrong of ['paths', 'nothing like it']) {
    const { nearest, others } = suggest(wrong, names);
    expect([...(nearest === undefined ? [] : [nearest]), ...others].toSorted()).toEqual(names.toSorted());
  }
  expect(suggest('path', []).others).toEqual([]);
  expect(LIMIT_NAMES).toEqual(expect.arrayContaining(Object.keys(new LimitsOptions())));
});
