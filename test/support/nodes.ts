import { randomBytes } from 'node:crypto';
import type { Backplane, BackplaneOptions } from '../../src/index.js';
import { startApp, type AppSpec, type StartedApp } from './start-app.js';
import { until } from './until.js';

/** Makes the backplane of one node; the options are to be passed on. */
export type MakeNode = (options: BackplaneOptions) => Backplane;

/** Boots several nodes of one group in this process, each an application of its own; they know each other when this returns. */
export async function startNodes(count: number, make: MakeNode, spec: AppSpec = {}): Promise<StartedApp[]> {
  const prefix = `test-${randomBytes(6).toString('hex')}`;
  const nodes: StartedApp[] = [];
  for (let number = 0; number < count; number++) {
    const backplane = make({ prefix, node: `node ${number}` });
    const options = { ...(spec.options === false ? {} : spec.options), backplane };
    nodes.push(await startApp({ ...spec, options }));
  }
  await until(() => nodes.every(({ registry }) => registry.nodes.length === count), 'all nodes know each other');
  return nodes;
}
