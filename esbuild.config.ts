import { readFile } from 'node:fs/promises';
import type { BuildOptions, Plugin } from 'esbuild';

/** What a bundler cannot bundle, or must not: two copies of onnxruntime-common break `instanceof Tensor`. The layers carry it. */
const nativePackages = ['onnxruntime-node', 'onnxruntime-common', 'sharp'];

/** Recipes serve `push` alone; the list of tasks names them, and nothing that a function runs imports them. */
const external = [...nativePackages, '*/recipe.ts'];

/** Names that are values already; the rest are getters. */
const plainNames = (module: object): string[] =>
  Object.entries(Object.getOwnPropertyDescriptors(module)).flatMap(([name, { get }]) => (get ? [] : [name]));

const withoutGetters = (name: string): string => `const module = process.getBuiltinModule('node:${name}');
export const { ${plainNames(process.getBuiltinModule(name) as object)} } = module;
export default module;`;

/**
 * `import` of a module of Node's own loads it, and reads each of its names, getters too: node:http loads undici for its `WebSocket`,
 * node:process opens stdin. Nobody here uses those, nor the one checksum that the SDK takes from node:zlib: some 25 ms of a cold start.
 */
const builtinsOnDemand: Plugin = {
  name: 'builtins-on-demand',
  setup({ onResolve, onLoad }) {
    const namespace = 'builtins-on-demand';
    const contents: Readonly<Record<string, string>> = {
      http: withoutGetters('http'),
      https: withoutGetters('https'),
      process: withoutGetters('process'),
      zlib: "export const crc32 = (...values) => process.getBuiltinModule('node:zlib').crc32(...values);",
    };
    onResolve({ filter: /^(node:)?(https?|process|zlib)$/ }, ({ path }) => ({
      path: path.replace('node:', ''),
      namespace,
    }));
    onLoad({ filter: /.*/, namespace }, ({ path }) => ({ contents: contents[path] ?? '' }));
  },
};

/** No operation on objects answers by a stream of events, whose codec is 30 KB. */
const sdkWithoutEventStreams: Plugin = {
  name: 'sdk-without-event-streams',
  setup({ onResolve, onLoad }) {
    const namespace = 'sdk-without-event-streams';
    onResolve({ filter: /^@smithy\/core\/event-streams$/ }, ({ path }) => ({ path, namespace }));
    onLoad({ filter: /.*/, namespace }, () => ({
      contents: `function refuse() { throw new Error('esbuild.config.ts leaves event streams out'); }
export const resolveEventStreamSerdeConfig = (config) => config;
export { refuse as eventStreamSerdeProvider, refuse as EventStreamSerde };`,
    }));
  },
};

/** Lambda puts credentials into the environment; the SDK's default chain would bring SSO, profiles and metadata services along, 240 KB. */
const credentialsFromEnvironment: Plugin = {
  name: 'credentials-from-environment',
  setup({ onResolve, onLoad }) {
    const namespace = 'credentials-from-environment';
    onResolve({ filter: /^@aws-sdk\/credential-provider-node$/ }, ({ path, resolveDir }) => ({
      path,
      namespace,
      pluginData: resolveDir,
    }));
    onLoad({ filter: /.*/, namespace }, async ({ pluginData: resolveDir }) => ({
      contents: `import { fromEnv } from '@aws-sdk/credential-provider-env';
export const defaultProvider = () => fromEnv();`,
      resolveDir,
    }));
  },
};

/**
 * The SDK describes every shape of every operation of S3 in top-level arrays. Computed keys in them keep esbuild from leaving out those that
 * nothing refers to, 100 KB: as calls that are marked pure, they go.
 */
const shapesOnDemand: Plugin = {
  name: 'shapes-on-demand',
  setup({ onLoad }) {
    onLoad({ filter: /client-s3\/dist-es\/schemas\/schemas_0\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(
        /^((?:export )?var [\w$]+ = )(\[[^;]*\]);$/gm,
        '$1/* @__PURE__ */ (() => $2)();',
      ),
    }));
  },
};

/** The audio decoders can run in workers, which is not done here; the CommonJS package that would start them cannot run in an ES module. */
const decodersWithoutWorkers: Plugin = {
  name: 'decoders-without-workers',
  setup({ onResolve, onLoad }) {
    const namespace = 'decoders-without-workers';
    onResolve({ filter: /^@eshaz\/web-worker$/ }, ({ path }) => ({ path, namespace }));
    onLoad({ filter: /.*/, namespace }, () => ({ contents: 'export default class {}' }));
  },
};

/** How a function becomes ES modules: `handler.mjs`, and one file for what each task alone needs. Deployment, tests and benchmarks all bundle with these. */
export const bundleOptions = {
  bundle: true,
  platform: 'node',
  target: 'node24',
  format: 'esm', // top-level await is the only code that init's CPU burst runs
  splitting: true, // a task that no model needs is not even parsed: 12 ms of a cold start for all of them
  outExtension: { '.js': '.mjs' },
  mainFields: ['module', 'main'], // the AWS SDK's ES modules bundle to two thirds of its CommonJS
  minifySyntax: true,
  minifyWhitespace: true, // and names stay: they make stack traces readable without source maps, for 40 KB
  external,
  plugins: [
    builtinsOnDemand,
    sdkWithoutEventStreams,
    credentialsFromEnvironment,
    shapesOnDemand,
    decodersWithoutWorkers,
  ],
} satisfies BuildOptions;

const serverlessEsbuildOptions = () => ({ ...bundleOptions, exclude: external, outputFileExtension: '.mjs' });

/** serverless-esbuild loads this file with `require` and expects a function. */
export { serverlessEsbuildOptions as 'module.exports' };
