import process from 'node:process';
import { defineConfig } from 'vite';

// #region vite
export default defineConfig({
  server: {
    proxy: {
      // Without changeOrigin the Host stays that of the page, so its Origin is the same.
      '/ws': { target: `http://127.0.0.1:${process.env.PORT ?? 3000}`, ws: true },
    },
  },
});
// #endregion vite
