import { Connection, OnEstablish, OnMessage, WsEndpoint } from '../../src/index.js';

const opened: Connection[] = [];

/** Says what it is told; `close` closes with 4000. */
@WsEndpoint('echo')
export class EchoEndpoint {
  @OnEstablish()
  enter(connection: Connection): void {
    opened.push(connection);
  }

  @OnMessage()
  echo(connection: Connection, message: string | Buffer): unknown {
    if (message === 'close') connection.close(4000, 'asked');
    return message;
  }
}

/** The server's side of the connection that was opened last. */
export function lastOpened(): Connection {
  const connection = opened.at(-1);
  if (connection === undefined) throw new Error('nothing was established');
  return connection;
}
