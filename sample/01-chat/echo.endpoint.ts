import { Connection, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';

// #region echo
/** Sends every message back as it came: text as text, binary as binary. */
@WsEndpoint({ path: 'echo', serializer: 'raw' })
export class EchoEndpoint {
  @OnMessage()
  echo(_connection: Connection, message: string | Buffer): string | Buffer {
    return message;
  }
}
// #endregion echo
