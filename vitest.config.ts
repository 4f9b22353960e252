// How the tests run: real processes and native libraries, so generous time and few workers.
import { defineConfig } from 'vitest/config';

/** Folders whose tests train, or look at what trains: native TensorFlow is set up before the first of them runs. */
const study = ['backend', 'evaluate', 'explore', 'filter', 'graph', 'models', 'pictures', 'report'].concat([
  'sources',
  'study',
  'training',
]);
const studyTests = `test/{${study.join(',')}}/**/*.test.ts`;

export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default', './test/support/skipped-reporter.ts'],
    projects: [
      {
        extends: true,
        test: { name: 'study', include: [studyTests], globalSetup: 'test/support/set-up-native.ts' },
      },
      { extends: true, test: { name: 'engine', include: ['test/**/*.test.ts'], exclude: [studyTests] } },
    ],
  },
});
