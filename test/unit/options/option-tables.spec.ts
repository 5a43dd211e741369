import { describe, expect, it } from '@jest/globals';
import { CompressionOptions } from '../../../src/websocket/connection/compression.options.js';
import { EndpointOptions } from '../../../src/websocket/endpoint/endpoint.options.js';
import { HeartbeatOptions } from '../../../src/websocket/limits/heartbeat.options.js';
import { LimitsOptions } from '../../../src/websocket/limits/limits.options.js';
import { RateOptions } from '../../../src/websocket/limits/rate.options.js';
import { ShutdownOptions } from '../../../src/websocket/lifecycle/finish/shutdown.options.js';
import { checkOptions } from '../../../src/websocket/rules/check-options.js';
import { group, type OptionRule, type OptionTable } from '../../../src/websocket/rules/option-rule.js';
import {
  COMPRESSION,
  ENDPOINT,
  HEARTBEAT,
  LIMITS,
  RATE,
  SHUTDOWN,
} from '../../../src/websocket/options/option-tables.js';

describe.each<[new () => object, OptionTable]>([
  [EndpointOptions, ENDPOINT],
  [LimitsOptions, LIMITS],
  [RateOptions, RATE],
  [CompressionOptions, COMPRESSION],
  [HeartbeatOptions, HEARTBEAT],
  [ShutdownOptions, SHUTDOWN],
])('%p', (OptionClass, table) => {
  it('has defaults that its own description takes without a warning', () => {
    expect(checkOptions(new OptionClass(), group(table), { name: 'the defaults' })).toEqual([]);
  });

  it('has a description for every option, and none for anything else', () => {
    expect(Object.keys(table).toSorted()).toEqual(Object.keys(new OptionClass()).toSorted());
  });

  it('bounds every time by what a timer can wait, and takes whole numbers only', () => {
    const numbers = Object.entries(table).filter(([name]) => /Ms$|Bytes$|^max|PerSecond$|Level$|^level$/.test(name));
    for (const [name, rule] of numbers) {
      // A number, or an object that has one.
      expect([name, rule.kind]).toEqual([name, expect.stringMatching(/^(?:number|alternatives)$/)]);
      expect([name, isTaken(rule, 2.5)]).toEqual([name, false]);
      if (name.endsWith('Ms')) expect([name, isTaken(rule, 2 ** 31)]).toEqual([name, false]);
    }
  });
});

function isTaken(rule: OptionRule, value: unknown): boolean {
  try {
    checkOptions({ it: value }, group({ it: rule }), { name: 'the test' });
    return true;
  } catch {
    return false;
  }
}
