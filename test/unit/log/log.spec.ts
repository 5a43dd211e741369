import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { Log } from '../../../src/websocket/log/log.js';
import { LogRecorder } from '../../support/log-recorder.js';

let logs: LogRecorder;
beforeEach(() => {
  logs = new LogRecorder();
  Logger.overrideLogger(logs);
});
afterEach(() => {
  Logger.overrideLogger(false);
});

describe('the log', () => {
  it('names connection, user and address', () => {
    new Log().warn('k', 'Something is odd', undefined, { id: 'conn1', context: { ip: '192.0.2.1', user: { id: 7 } } });
    expect(logs.at('warn')[0]).toContain('Something is odd (connection conn1, user 7, address 192.0.2.1)');
  });

  it('is written although the subject throws when it is asked', () => {
    const context = {
      get ip(): string {
        throw new Error('trustProxy');
      },
      get user(): unknown {
        throw new Error('accessor');
      },
    };
    new Log().error('k', 'A fault', new Error('x'), { id: 'conn1', context });
    expect(logs.at('error')[0]).toContain('A fault (connection conn1, address unknown)');
  });

  it('writes twenty lines of a kind in a second, and then how many it left out', async () => {
    const log = new Log();
    for (let i = 0; i < 990; i++) log.error('Room', `Room failed ${i}`, new Error('x'));
    log.error('Lobby', 'Lobby failed');
    expect(logs.at('error')).toHaveLength(21);
    expect(logs.at('error').at(-1)).toContain('Lobby failed');
    await logs.waitFor('error', /Room: and 970 more in a second/);
    log.error('Room', 'Room failed again');
    expect(logs.at('error').at(-1)).toContain('Room failed again');
  });

  it('asks for the text of a debug line only where the level is on', () => {
    const log = new Log();
    let asked = 0;
    const text = (): string => `asked ${++asked}`;
    log.debug('k', text);
    expect(logs.at('debug')[0]).toContain('asked 1');
    Logger.overrideLogger(['error']);
    log.debug('k', text);
    expect(asked).toBe(1);
  });
});
