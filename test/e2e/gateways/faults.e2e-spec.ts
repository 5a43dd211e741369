import { beforeAll, describe, expect, it } from '@jest/globals';
import type { QueuedClient } from '../../../src/testing.js';
import { ChildApp } from '../../support/child-app.js';
import { connect } from '../../support/connect.js';
import { nestHas } from '../../support/nest-features.js';
import { patient } from '../../support/patience.js';

const FIXTURE = new URL('./faults.fixture.ts', import.meta.url);

let child: ChildApp;
beforeAll(async () => {
  child = await ChildApp.start(FIXTURE);
}, patient(30_000));

function open(path: string, fault: string): Promise<QueuedClient> {
  return connect(new URL(`http://127.0.0.1:${child.port}`), path, { query: { fault } });
}

/** What a living process shows: one that no catch-all keeps alive, and that serves the next client. */
async function signsOfLife(): Promise<object> {
  const facts = await child.settled();
  const client = await open('/singleton', 'none');
  await client.send({ event: 'echo' });
  const answer = await client.nextJson();
  await client.close(1000);
  return { ...facts, answer, crashes: child.stderr.includes('[child-guard]') };
}

function alive(): object {
  return { pid: child.pid, catchAlls: 0, answer: { event: 'echo' }, crashes: false };
}

const NAMES = {
  '/singleton': 'Singleton',
  '/scoped': 'Scoped',
  '/properties': 'Properties',
  '/scoped-properties': 'ScopedProperties',
};

// Without gateways of request scope, their hooks are those of the class; what is a property of an instance is not called.
const FAILING = Object.entries(NAMES).filter(([path]) => path !== '/scoped-properties' || nestHas('gatewayScope'));

describe.each(FAILING)('a gateway on %s that fails', (path, name) => {
  it.each(['throw', 'reject', 'reject nothing'])(
    'in handleConnection by a %s loses that client alone',
    async (fault) => {
      const client = await open(path, `${fault} in handleConnection`);
      expect(await client.closed()).toMatchObject({ code: 1011, reason: 'internal error' });
      expect(await signsOfLife()).toEqual(alive());
    },
  );

  it.each(['throw', 'reject', 'reject nothing'])('in handleDisconnect by a %s loses nobody', async (fault) => {
    const client = await open(path, `${fault} in handleDisconnect`);
    await client.close(1000);
    await child.heard(`disconnected after: ${fault} in handleDisconnect`);
    expect(await signsOfLife()).toEqual(alive());
  });

  it('says so in the log', async () => {
    await open(path, 'reject in handleConnection').then((client) => client.closed());
    expect(child.stdout + child.stderr).toContain(`${name}.handleConnection failed`);
    expect(child.stdout + child.stderr).toContain('a secret of handleConnection');
  });
});

it.each(['/broken', '/broken-properties'])(
  'a gateway on %s that cannot be built loses that client alone',
  async (path) => {
    const client = await open(path, 'none');
    await client.send({ event: 'echo' }).catch(() => undefined);
    expect(await client.closed()).toMatchObject({ code: 1011 });
    expect(await signsOfLife()).toEqual(alive());
  },
);
