import { describe, expect, it } from '@jest/globals';
import {
  isMeantAsEvent,
  pushForm,
  readData,
  readEvent,
  readId,
  wrap,
} from '../../../src/websocket/serializer/envelope.js';
import type { MessageId } from '../../../src/websocket/serializer/message-form.js';

const NO_EVENTS = [undefined, null, 7, 'event', [], ['say'], {}, { event: 7, data: 1 }, { event: null }];

describe('reading an envelope', () => {
  it('gives the event, the data and the id of a message', () => {
    const message = { event: 'say', data: [1], id: 'q1' };
    expect([readEvent(message), readData(message), readId(message)]).toEqual(['say', [1], 'q1']);
  });

  it.each(NO_EVENTS)('finds no event in %j', (message) => {
    expect(readEvent(message)).toBeUndefined();
  });

  it.each([
    [0, 0],
    [-1.5, -1.5],
    ['', ''],
    ['x'.repeat(128), 'x'.repeat(128)],
    ['x'.repeat(129), undefined],
    [{ deep: 1 }, undefined],
    [null, undefined],
    [true, undefined],
  ])('reads the id %j as %j', (id, read) => {
    expect(readId({ event: 'say', id })).toBe(read);
  });

  it.each([undefined, null, 'id', 7])('finds no id in %j', (message) => {
    expect(readId(message)).toBeUndefined();
  });

  it('tells what was meant as an event, whatever names it', () => {
    expect([{ event: 7 }, { event: undefined }, { data: 1 }, 'event', null].map(isMeantAsEvent)).toEqual([
      true,
      true,
      false,
      false,
      false,
    ]);
  });
});

describe('writing an envelope', () => {
  const reply = (value: unknown, event: string | undefined, id: MessageId | undefined): unknown =>
    wrap(value, { kind: 'reply', event, id });

  it('wraps what is sent as an event, and nothing else that is sent', () => {
    expect(JSON.stringify(wrap({ a: 1 }, pushForm('said', [{ a: 1 }])))).toBe('{"event":"said","data":{"a":1}}');
    expect(JSON.stringify(wrap(undefined, pushForm('said', [undefined])))).toBe('{"event":"said"}');
    const value = { event: 'said', data: 1 };
    expect(wrap(value, pushForm(value, []))).toBe(value);
    expect(wrap('alone', pushForm('alone', []))).toBe('alone');
    // As in `values.forEach(connection.send)`: only a text names an event.
    expect(wrap(value, pushForm(value, [0]))).toBe(value);
  });

  it('wraps a reply, with the id of its message', () => {
    expect(JSON.stringify(reply(7, 'sum', undefined))).toBe('{"event":"sum","data":7}');
    expect(JSON.stringify(reply(7, 'sum', 0))).toBe('{"event":"sum","data":7,"id":0}');
    expect(reply(7, undefined, undefined)).toBe(7);
  });

  it('keeps the name and the id that a reply has of its own', () => {
    const own = { event: 'other', data: 1 };
    expect(reply(own, 'sum', undefined)).toBe(own);
    expect(reply(own, 'sum', 'q1')).toEqual({ event: 'other', data: 1, id: 'q1' });
    expect(reply({ ...own, id: 'mine' }, 'sum', 'q1')).toEqual({ event: 'other', data: 1, id: 'mine' });
  });

  it('takes an object that only resembles an event for data', () => {
    expect(reply({ event: 'other' }, 'sum', undefined)).toEqual({ event: 'sum', data: { event: 'other' } });
    expect(reply({ event: 7, data: 1 }, 'sum', undefined)).toEqual({ event: 'sum', data: { event: 7, data: 1 } });
  });

  it('wraps an error, with details and id where there are any', () => {
    expect(wrap({ code: 'bad_request', message: 'no' }, { kind: 'error', event: 'sum' })).toEqual({
      event: 'error',
      data: { code: 'bad_request', message: 'no' },
    });
    expect(wrap({ code: 'bad_request', message: 'no', details: ['why'] }, { kind: 'error', id: 7 })).toEqual({
      event: 'error',
      id: 7,
      data: { code: 'bad_request', message: 'no', details: ['why'] },
    });
  });
});
