import { describe, expect, it } from '@jest/globals';
import { HttpException } from '@nestjs/common';
import { WsException } from '@nestjs/websockets';
import * as library from '../../../src/index.js';
import { describeForPeer } from '../../../src/websocket/errors/peer-error.js';
import { codeOf, codesOf, listAfter, readPage, tableAfter } from '../../support/pages.js';

const page = readPage('docs/reference/errors.md');

interface LibraryError {
  readonly name: string;
  readonly code: string;
}

/** One of each exported error class, the base class left out. */
function libraryErrors(): (Error & LibraryError)[] {
  const classes = (Object.values(library) as unknown[]).filter(isErrorClass);
  return classes.map((ErrorClass) => new ErrorClass('text', 'text'));
}

function isErrorClass(value: unknown): value is new (...args: unknown[]) => library.PlackWebSocketError {
  return typeof value === 'function' && value.prototype instanceof library.PlackWebSocketError;
}

function isForPeers(error: LibraryError): boolean {
  return describeForPeer(error).code === error.code;
}

describe('docs/reference/errors.md', () => {
  it('has every upgrade error with its status and headers', () => {
    const named = listAfter('<!-- list: upgrade errors -->', page).map(({ name, facts }) => [
      name,
      { status: Number.parseInt(facts, 10), headers: codesOf(facts) },
    ]);
    const known = Object.entries(library.UPGRADE_ERRORS).map(([error, { status, headers = {} }]) => [
      error,
      { status, headers: Object.keys(headers) },
    ]);
    expect(Object.fromEntries(named)).toStrictEqual(Object.fromEntries(known));
  });

  it('has every code that a message error can have', () => {
    const statuses = Array.from({ length: 200 }, (_, index) => new HttpException('text', 400 + index));
    const others = [new WsException('text'), new Error('text'), ...libraryErrors().filter(isForPeers)];
    const codes = [...statuses, ...others].map((error) => describeForPeer(error).code);
    const named = tableAfter('<!-- table: message error codes -->', page).map(({ code }) => codeOf(code));
    expect(named.toSorted()).toEqual([...new Set(codes)].filter((code) => !/^http_\d+$/.test(code)).toSorted());
  });

  it('has every error class with its code', () => {
    const rows = tableAfter('<!-- table: error classes -->', page).map((row) => [
      codeOf(row['class']),
      codeOf(row['code']),
    ]);
    const known = libraryErrors().map(({ name, code }) => [name, code]);
    expect(Object.fromEntries(rows)).toStrictEqual(Object.fromEntries(known));
  });
});

describe('docs/reference/close-codes.md', () => {
  it('has every close code that is sent without asking', () => {
    const rows = tableAfter('<!-- table: close codes -->', readPage('docs/reference/close-codes.md'));
    expect(rows.map(({ code }) => Number(code))).toEqual(expect.arrayContaining(Object.values(library.CloseCode)));
  });
});
