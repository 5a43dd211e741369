import { expect } from '@jest/globals';
import {
  Connection,
  FinishInfo,
  OnEstablish,
  OnFinish,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from '../../../src/index.js';
import { Journal } from '../../support/journal.js';
import { close, OPCODE } from '../../support/raw-frame.js';
import type { UpgradeSpec } from '../../support/raw-http.js';
import type { RawPeer, RawPeerOptions } from '../../support/raw-peer.js';
import { startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';

/** What differs from an endpoint that only echoes. */
export interface EchoSpec extends Omit<AppSpec, 'endpoints' | 'options'> {
  readonly options?: PlackWebSocketModuleOptions;
  readonly onEstablish?: (connection: Connection) => unknown;
  /** Default: the message comes back as it was, text as text and binary as binary. */
  readonly onMessage?: (connection: Connection, message: string | Buffer) => unknown;
  readonly onFinish?: (connection: Connection, end: FinishInfo) => unknown;
}

/** An application with one raw endpoint on /ws/echo, and what that endpoint saw. */
export class EchoScene {
  static async start(spec: EchoSpec = {}): Promise<EchoScene> {
    const { options = {}, onEstablish, onMessage = echo, onFinish, ...rest } = spec;
    const established = new Journal<Connection>();
    const received = new Journal<string | Buffer>();
    const finished = new Journal<FinishInfo>();

    @WsEndpoint('echo')
    class Echo {
      @OnEstablish()
      enter(connection: Connection): unknown {
        established.add(connection);
        return onEstablish?.(connection);
      }

      @OnMessage()
      say(connection: Connection, message: string | Buffer): unknown {
        received.add(message);
        return onMessage(connection, message);
      }

      @OnFinish()
      leave(connection: Connection, end: FinishInfo): unknown {
        finished.add(end);
        return onFinish?.(connection, end);
      }
    }

    const app = await startApp({ ...rest, options, endpoints: [Echo] });
    return new EchoScene(app, established, received, finished);
  }

  private constructor(
    readonly app: StartedApp,
    readonly established: Journal<Connection>,
    readonly received: Journal<string | Buffer>,
    readonly finished: Journal<FinishInfo>,
  ) {}

  /** Opens a TCP connection and upgrades it. */
  async open(
    spec: UpgradeSpec & { readonly extraBytes?: Uint8Array } = {},
    options: RawPeerOptions = {},
  ): Promise<RawPeer> {
    const peer = await this.app.peer(options);
    expect(await peer.upgrade({ path: '/ws/echo', ...spec })).toMatchObject({ status: 101 });
    return peer;
  }
}

/** Waits for a close frame, whatever comes before it, and then for the end of the connection. */
export async function closeOf(peer: RawPeer): Promise<{ code: number | undefined; reason: string }> {
  for (;;) {
    const { opcode, closeCode, closeReason } = await peer.nextFrame();
    if (opcode === OPCODE.close) return { code: closeCode, reason: closeReason };
  }
}

function echo(_connection: Connection, message: string | Buffer): unknown {
  return message;
}

/** A new peer of a scene, and its connection. */
export async function opened(scene: EchoScene): Promise<{ peer: RawPeer; connection: Connection }> {
  const peer = await scene.open();
  return { peer, connection: await scene.established.next() };
}

/** Answers a close frame, and ends the TCP connection when the server has. */
export async function answerClose(peer: RawPeer, code?: number): Promise<void> {
  await peer.writeRaw(close(code));
  expect(await peer.ended()).toBe('fin');
  peer.end();
}
