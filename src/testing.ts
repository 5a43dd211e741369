export { connect, ConnectOptions, type ConnectTarget, type QueryValue } from './websocket/testing/connect.js';
export {
  ConnectFailedError,
  HandshakeRefusedError,
  NoMessageError,
  NotClosedError,
  UnexpectedMessageError,
  NotOpenError,
  TestClientError,
} from './websocket/testing/errors.js';
export { QueuedClient, type CloseInfo } from './websocket/testing/queued-client.js';
export { type ReceivedMessage } from './websocket/testing/received-messages.js';
export { type WaitOptions } from './websocket/testing/wait.js';
export {
  fakeConnection,
  type FakeConnection,
  type FakeConnectionOptions,
} from './websocket/testing/fake-connection.js';
export { backplaneContract, type ContractCase, type MakeBackplane } from './websocket/testing/backplane-contract.js';
