/** Native ES modules with the types stripped by Node itself: tests run the same sources as `npm start`. */
export default {
  testEnvironment: '<rootDir>/test/support/native-realm-environment.cjs',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '\\.ts$': '<rootDir>/test/support/strip-types.mjs' },
  testMatch: ['<rootDir>/test/{unit,integration,functions}/**/*.test.ts'],
  modulePathIgnorePatterns: ['<rootDir>/.serverless', '<rootDir>/.esbuild', '<rootDir>/layers/.*/build'],
  testTimeout: 60_000,
  coverageProvider: 'v8',
  collectCoverageFrom: ['{cli,functions,layers,local,src}/**/*.ts', '!layers/*/build/**'],
  coverageReporters: ['text-summary', 'html'],
};
