export { connect, ConnectOptions, type ConnectTarget, type QueryValue } from './websocket/testing/connect.js';
export {
  ConnectFailedError,
  HandshakeRefusedError,
  NoMessageError,
  NotClosedError,
  NotOpenError,
  TestClientError,
} from './websocket/testing/errors.js';
export {
  QueuedClient,
  type CloseInfo,
  type ReceivedMessage,
  type WaitOptions,
} from './websocket/testing/queued-client.js';
export { fakeConnection, FakeConnection, type FakeConnectionOptions } from './websocket/testing/fake-connection.js';
