import process from 'node:process';
import { defineConfig } from 'vite';

export default defineConfig({
  server: { proxy: { '/ws': { target: `http://127.0.0.1:${process.env.PORT}`, ws: true, changeOrigin: true } } },
});
