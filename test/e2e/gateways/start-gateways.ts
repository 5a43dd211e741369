import type { Server } from 'node:http';
import type { INestApplication, Type } from '@nestjs/common';
import { WsAdapter } from '@nestjs/platform-ws';
import { PlackWsAdapter } from '../../../src/index.js';
import { NEST } from '../../support/nest-version.js';
import { startApp, type AppSpec, type StartedApp } from '../../support/start-app.js';

/** How an application comes to the adapter that its gateways run on. */
export interface Installation {
  readonly name: string;
  readonly gateways: boolean;
  readonly install: (app: INestApplication<Server>) => void;
}

export const byOption: Installation = { name: 'forRoot({ gateways: true })', gateways: true, install: () => undefined };

const byCall: Installation = {
  name: 'app.useWebSocketAdapter(app.get(PlackWsAdapter))',
  gateways: false,
  install: (app) => app.useWebSocketAdapter(app.get(PlackWsAdapter)),
};

const stock: Installation = {
  name: 'the stock WsAdapter',
  gateways: false,
  install: (app) => app.useWebSocketAdapter(new WsAdapter(app)),
};

/** The two ways to our adapter. */
export const OURS: readonly Installation[] = [byOption, byCall];

/**
 * Our adapter beside the one it takes the place of: what is expected of both is what an application relies on. The stock
 * adapter is that of Nest 12; with an older Nest ours alone is held to it.
 */
export const BOTH: readonly Installation[] = NEST === undefined ? [stock, byOption] : [byOption];

/** Boots gateways. */
export function startGateways(
  gateways: readonly Type[],
  { options, configure, providers = [], ...spec }: AppSpec = {},
  { gateways: byOptions, install }: Installation = byOption,
): Promise<StartedApp> {
  return startApp({
    ...spec,
    providers: [...gateways, ...providers],
    options: { ...(options === false ? {} : options), gateways: byOptions },
    configure: async (app) => {
      install(app);
      await configure?.(app);
    },
  });
}
