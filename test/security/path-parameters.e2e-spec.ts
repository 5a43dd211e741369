import { beforeEach, describe, expect, it } from '@jest/globals';
import { Param } from '@nestjs/common';
import { Connection, OnEstablish, WsEndpoint } from '../../src/index.js';
import { startApp, type StartedApp } from '../support/start-app.js';

@WsEndpoint('files/:name')
class Files {
  @OnEstablish()
  enter(connection: Connection, @Param('name') name: string): void {
    void connection.send(name);
  }
}

describe('a parameter of the path', () => {
  let app: StartedApp;

  beforeEach(async () => {
    app = await startApp({ endpoints: [Files] });
  });

  async function statusOf(path: string): Promise<number> {
    return (await (await app.peer()).upgrade({ path })).status;
  }

  it.each([
    ['..%2f', 'dots in front of an encoded slash'],
    ['..%2Fetc%2Fpasswd', 'dots and a way on'],
    ['a%2f..%2fb', 'dots in the middle'],
    ['a%2F..', 'dots at the end'],
    ['%2e%2e%2f', 'everything encoded'],
    ['.%2fa', 'one dot'],
    ['..%5c', 'dots in front of an encoded backslash'],
    ['a%5C..%5Cb', 'dots between backslashes'],
    ['a%5c%2e%2e', 'encoded dots behind a backslash'],
    ['a%C2%85b', 'NEL, which ends a line'],
    ['a%c2%9b31m', 'CSI, which begins an escape sequence'],
    ['a%C2%80', 'the first of C1'],
    ['a%1b%5b31m', 'ESC'],
  ])('that decodes to a way elsewhere or to a control character is refused with 400: %s (%s)', async (value) => {
    expect(await statusOf(`/ws/files/${value}`)).toBe(400);
  });

  it.each([
    ['a%2Fb', 'a/b'],
    ['DOMAIN%5Cuser', 'DOMAIN\\user'],
    ['..a', '..a'],
    ['a..%2Fb', 'a../b'],
    ['...', '...'],
    ['%C3%80%C2%A0', 'À\u00a0'],
    ['%252e%252e%252f', '%2e%2e%2f'],
  ])('that leads nowhere else comes decoded once: %s', async (value, decoded) => {
    const client = await app.connect(`/ws/files/${value}`);
    expect(await client.next()).toBe(decoded);
  });
});
