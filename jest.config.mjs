import { availableParallelism } from 'node:os';

/** Native ES modules with the types stripped by Node itself: tests run the same sources as `npm start`. */
export default {
  globalSetup: '<rootDir>/test/support/run-folder.mjs',
  testEnvironment: '<rootDir>/test/support/native-realm-environment.cjs',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types.mjs' },
  testSequencer: '<rootDir>/test/support/short-files-last.mjs',
  testMatch: ['<rootDir>/test/{unit,integration,functions}/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/.serverless', '<rootDir>/.esbuild', '<rootDir>/layers/.*/build'],
  maxWorkers: availableParallelism() + 2, // suites wait a third of their time, for queues and time-outs: cores have others meanwhile
  testTimeout: 300_000, // for what hangs: a test takes as long as the machine needs, and 20 programs may share its cores
  workerGracefulExitTimeout: 30_000, // a worker that gives half a gigabyte back on a busy machine needs more than the half second of the default
  coverageProvider: 'v8',
  collectCoverageFrom: ['{cli,functions,layers,local,src}/**/*.ts', '!layers/*/build/**'],
  coverageReporters: ['text-summary', 'html'],
};
