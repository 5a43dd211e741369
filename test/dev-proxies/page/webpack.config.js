import process from 'node:process';
import { fileURLToPath } from 'node:url';

const here = fileURLToPath(new URL('.', import.meta.url));

// #region webpack
const devServer = {
  // The reloading of webpack-dev-server has a socket of its own, at /ws unless it is told another path.
  webSocketServer: { type: 'ws', options: { path: '/webpack' } },
  proxy: [{ context: ['/ws'], target: `http://127.0.0.1:${process.env.PORT ?? 3000}`, ws: true }],
};
// #endregion webpack

export default {
  mode: 'development',
  context: here,
  entry: './page.js',
  devServer: { ...devServer, static: here },
};
