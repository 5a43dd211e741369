import { expect, it } from '@jest/globals';
import { fakeConnection } from '../../../src/websocket/testing/fake-connection.js';

it('connection.on takes a handler that says which messages it is given', () => {
  const connection = fakeConnection();
  const lengths: number[] = [];
  connection.on('message', (_connection, text: string) => lengths.push(text.length));
  connection.on<number[]>('message', (_connection, numbers) => lengths.push(...numbers));
  // @ts-expect-error without a type it may be anything
  const untyped = () => connection.on('message', (_connection, message) => lengths.push(message.length));
  expect(untyped()).toBeInstanceOf(Function);
});
