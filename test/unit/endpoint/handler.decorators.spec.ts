import { describe, expect, it } from '@jest/globals';
import { ConfigurationError } from '../../../src/websocket/errors/plack-websocket.error.js';
import { OnEstablish, OnFinish, OnMessage } from '../../../src/websocket/endpoint/handler.decorators.js';
import { WsEndpoint } from '../../../src/websocket/endpoint/ws-endpoint.decorator.js';

class Room {
  static shout(): void {}
  say(): void {}
}

type Loose = (...args: readonly unknown[]) => unknown;

/** Calls a decorator as a compiler or plain JavaScript does, past the types. */
function complaint(decorator: unknown, ...args: readonly unknown[]): string {
  try {
    (decorator as Loose)(...args);
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigurationError);
    return (error as Error).message;
  }
  return 'It took the decorator.';
}

describe('a decorator of a handler refuses, when the class is loaded,', () => {
  it('a property', () => {
    expect(complaint(OnMessage('say'), Room.prototype, 'greet', undefined)).toBe(
      "@OnMessage('say') is on Room.greet, which is a property: write it as a method, greet() { … }. " +
        'Guards and interceptors of Nest cannot be told about a function that each instance makes anew.',
    );
  });

  it('a getter', () => {
    const descriptor = { get: () => () => undefined, configurable: true };
    expect(complaint(OnFinish(), Room.prototype, 'greet', descriptor)).toContain(
      '@OnFinish() is on Room.greet, which is a property: write it as a method',
    );
  });

  it('a static method', () => {
    const descriptor = Object.getOwnPropertyDescriptor(Room, 'shout');
    expect(complaint(OnMessage(), Room, 'shout', descriptor)).toBe(
      '@OnMessage() is on Room.shout, which is static: take the word static off, connections are served by an instance.',
    );
  });

  it('a method without a name that Nest could find', () => {
    const name = Symbol('say');
    const descriptor = { value: () => undefined };
    expect(complaint(OnEstablish(), Room.prototype, name, descriptor)).toBe(
      '@OnEstablish() is on a method of Room that is called by a symbol (say): give it a name, Nest looks methods up by their names.',
    );
  });

  it.each([
    ['@OnMessage', OnMessage()],
    ['@OnEstablish', OnEstablish()],
  ])('the standard form of decorators, which has no parameters: %s', (name, decorator) => {
    const context = { kind: 'method', name: 'say', static: false };
    expect(complaint(decorator, Room.prototype.say, context)).toContain(
      `${name}() of say was called as a standard decorator. Nest's decorators are the older ones: ` +
        'set "experimentalDecorators": true in tsconfig.json',
    );
  });

  it('the standard form of decorators on the class', () => {
    expect(complaint(WsEndpoint('room'), Room, { kind: 'class', name: 'Room' })).toContain(
      '@WsEndpoint() of Room was called as a standard decorator.',
    );
  });
});
