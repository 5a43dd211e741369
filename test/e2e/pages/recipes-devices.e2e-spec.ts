import { expect, it } from '@jest/globals';
import { Injectable, type OnModuleInit } from '@nestjs/common';
import { MessageBody } from '@nestjs/websockets';
import {
  Connection,
  ConnectionRegistry,
  OnMessage,
  WsEndpoint,
  type PlackWebSocketModuleOptions,
} from 'nestjs-plack-websocket';
import { Journal } from '../../support/journal.js';
import { startApp } from '../../support/start-app.js';

const presence = new Journal();

// #region devices
interface Device {
  readonly id: string;
}

interface Command {
  readonly number: number;
  readonly action: string;
}

/** Keeps each command until its device has said that it is done. A map here; a table where it has to outlive the process. */
@Injectable()
class Commands implements OnModuleInit {
  readonly #kept = new Map<string, Command[]>();
  #last = 0;

  constructor(private readonly registry: ConnectionRegistry) {}

  onModuleInit(): void {
    this.registry.on('occupied', ({ channel }) => presence.add(`${channel} is here`));
    this.registry.on('vacated', ({ channel }) => presence.add(`${channel} is away`)); // not for a short loss of the network
  }

  give(device: string, action: string): void {
    const command = { number: ++this.#last, action };
    this.#kept.set(device, [...this.keptFor(device), command]);
    this.registry.in(DeviceEndpoint).only(`device:${device}`).send('command', command); // reaches no one while it is away
  }

  keptFor(device: string): readonly Command[] {
    return this.#kept.get(device) ?? [];
  }

  done(device: string, number: number): void {
    this.#kept.set(
      device,
      this.keptFor(device).filter((command) => command.number !== number),
    );
  }
}

@WsEndpoint({ path: 'devices', serializer: 'json' })
class DeviceEndpoint {
  constructor(private readonly commands: Commands) {}

  /** The device takes commands once it has this answer. So it enters its channel after that, and hears first what was kept. */
  @OnMessage('boot')
  boot(connection: Connection<Device>): { accepted: boolean } {
    const { id } = connection.user;
    connection.afterReply(() => {
      for (const command of this.commands.keptFor(id)) void connection.send('command', command);
      connection.join(`device:${id}`);
    });
    return { accepted: true };
  }

  @OnMessage('done')
  done({ user }: Connection<Device>, @MessageBody() number: number): void {
    this.commands.done(user.id, number);
  }
}
// #endregion devices

const login: PlackWebSocketModuleOptions = {
  handshake: (context) => void (context.user = { id: String(context.query['device']) }),
};

const command = (number: number, action: string): object => ({ event: 'command', data: { number, action } });

it('the commands of docs/guide/11-recipes.md wait for a device, and are sent again until it has done them', async () => {
  const app = await startApp({ endpoints: [DeviceEndpoint], providers: [Commands], options: login });
  const commands = app.app.get(Commands);
  const north = { query: { device: 'north' } };
  commands.give('north', 'reset');
  commands.give('south', 'another device');

  const first = await app.connect('/ws/devices', north);
  commands.give('north', 'report'); // it is connected, and has not booted yet
  await first.send({ event: 'boot' });
  expect([await first.nextJson(), await first.nextJson(), await first.nextJson()]).toEqual([
    { event: 'boot', data: { accepted: true } },
    command(1, 'reset'),
    command(3, 'report'),
  ]);
  expect(await presence.next()).toBe('device:north is here');
  commands.give('north', 'measure');
  expect(await first.nextJson()).toEqual(command(4, 'measure'));
  await first.send({ event: 'done', data: 1, id: 'd' });
  expect(await first.nextJson()).toEqual({ event: 'done', id: 'd' });
  first.raw.terminate();
  expect(await presence.next()).toBe('device:north is away');

  commands.give('north', 'sleep');
  const second = await app.connect('/ws/devices', north);
  await second.send({ event: 'boot' });
  expect(await second.nextJson()).toMatchObject({ event: 'boot' });
  expect([await second.nextJson(), await second.nextJson(), await second.nextJson()]).toEqual([
    command(3, 'report'),
    command(4, 'measure'),
    command(5, 'sleep'),
  ]);
  expect(app.logs.problems).toEqual([]);
});
