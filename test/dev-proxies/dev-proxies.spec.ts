import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Connection, OnMessage, WsEndpoint } from 'nestjs-plack-websocket';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../browser/chat-page.js';
import { patient } from '../support/patience.js';
import { freePort, startProgram } from '../support/program.js';
import { startApp, type AppSpec, type StartedApp } from '../support/start-app.js';

const at = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

@WsEndpoint('echo')
class EchoEndpoint {
  @OnMessage()
  echo(_connection: Connection, message: string): string {
    return `heard ${message}`;
  }
}

describe('a development server before an application', () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  }, patient(30_000));

  afterAll(() => browser.close());

  async function serve(config: string, port: number, options?: AppSpec['options']): Promise<StartedApp> {
    const app = await startApp({ endpoints: [EchoEndpoint], ...(options !== undefined && { options }) });
    const shared = ['--config', at(`page/${config}`), '--host', '127.0.0.1', '--port', String(port)];
    const program = config.startsWith('webpack')
      ? [at('node_modules/webpack-cli/bin/cli.js'), 'serve', ...shared]
      : [at('node_modules/vite/bin/vite.js'), at('page'), ...shared, '--strictPort'];
    // In the tests `process.env` is a copy, which a child does not get.
    await startProgram('/usr/bin/env', [`PORT=${app.port}`, process.execPath, ...program], port);
    return app;
  }

  /** What a page of the development server gets from its own origin. */
  async function answerTo(port: number): Promise<string> {
    const page = await browser.newPage();
    try {
      await page.goto(`http://127.0.0.1:${port}/`);
      return await page.evaluate<string>(`new Promise((resolve) => {
        const socket = new WebSocket('ws://' + location.host + '/ws/echo');
        socket.onopen = () => socket.send('a page');
        socket.onmessage = ({ data }) => resolve(data);
        socket.onclose = ({ code }) => resolve('closed ' + code);
      })`);
    } finally {
      await page.close();
    }
  }

  it.each(['vite.config.js', 'webpack.config.js'])(
    'passes a page through when it keeps the Host: %s',
    async (config) => {
      const port = await freePort();
      const app = await serve(config, port);
      expect(await answerTo(port)).toBe('heard a page');
      expect(app.logs.problems).toEqual([]);
    },
    patient(30_000),
  );

  it(
    'is refused when it changes the Host, and the log names both and the option',
    async () => {
      const port = await freePort();
      const app = await serve('change-origin.config.js', port);
      expect(await answerTo(port)).toBe('closed 1006');
      const lines = app.logs.lines.map(({ text }) => text).join('\n');
      for (const part of [`http://127.0.0.1:${port}`, `http://127.0.0.1:${app.port}`, 'origin'])
        expect(lines).toContain(part);
    },
    patient(30_000),
  );

  it(
    'passes when the option names the page',
    async () => {
      const port = await freePort();
      await serve('change-origin.config.js', port, { origin: ['same-origin', `http://127.0.0.1:${port}`] });
      expect(await answerTo(port)).toBe('heard a page');
    },
    patient(30_000),
  );
});
