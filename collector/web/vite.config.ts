import tailwindcss from '@tailwindcss/vite';
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

const collector = process.env.TRAPLINE_URL ?? 'http://127.0.0.1:8790';

export default defineConfig({
  plugins: [react(), tailwindcss()],
  build: {
    // Everything comes from our own files: an inlined one would need a wider Content-Security-Policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    outDir: process.env.TRAPLINE_WEB_OUTPUT ?? 'dist',
    emptyOutDir: true,
  },
  server: { proxy: { '/api': collector, '/v1': collector } },
});
