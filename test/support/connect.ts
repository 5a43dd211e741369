import {
  connect as connectPackaged,
  ConnectOptions,
  type ConnectTarget,
  type QueuedClient,
} from '../../src/testing.js';
import { patient } from './patience.js';

const { handshakeTimeoutMs, timeoutMs } = new ConnectOptions();
const SCALED = { handshakeTimeoutMs: patient(handshakeTimeoutMs), timeoutMs: patient(timeoutMs) };

/** `connect` of the package, with waits that a slow machine can lengthen. */
export function connect(
  target: ConnectTarget,
  path: string,
  options: Partial<ConnectOptions> = {},
): Promise<QueuedClient> {
  return connectPackaged(target, path, { ...SCALED, ...options });
}
