import { defineConfig } from 'vitest/config';

// Tests run against the built packages (`dist`), which is what users get; `npm test` builds first.
// Two projects, told apart by name alone: `unit` is what `npm run check` runs on every change, `slow` starts processes,
// kills them, injects faults or drives a framework over HTTP. `npm test` runs both.
const SLOW = ['**/*.{fault,slow}.test.ts', '**/test/adapters/**/*.test.ts', 'examples/*/test/**/*.test.ts', 'e2e/**/*.test.ts'];

export default defineConfig({
  test: {
    testTimeout: 60_000,
    hookTimeout: 60_000,
    projects: [
      { extends: true, test: { name: 'unit', include: ['{packages,examples}/*/test/**/*.test.ts', 'tools/**/*.test.ts'], exclude: [...SLOW, '**/node_modules/**'] } },
      { extends: true, test: { name: 'slow', include: SLOW, exclude: ['**/node_modules/**'] } },
    ],
  },
});
