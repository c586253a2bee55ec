import type { BuildOptions } from 'esbuild';

/** What a bundler cannot bundle, or must not: two copies of onnxruntime-common break `instanceof Tensor`. The layers carry it. */
const nativePackages = ['onnxruntime-node', 'onnxruntime-common', 'sharp'];

/** How a function becomes one ES module. Deployment, tests and benchmarks all bundle with these. */
export const bundleOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm', // top-level await is the only code that init's CPU burst runs
  mainFields: ['module', 'main'], // the AWS SDK's ES modules bundle to two thirds of its CommonJS
  minifySyntax: true,
  minifyWhitespace: true, // and names stay: they make stack traces readable without source maps, for 40 KB
  external: nativePackages,
} satisfies BuildOptions;

const serverlessEsbuildOptions = () => ({ ...bundleOptions, exclude: nativePackages, outputFileExtension: '.mjs' });

/** serverless-esbuild loads this file with `require` and expects a function. */
export { serverlessEsbuildOptions as 'module.exports' };
