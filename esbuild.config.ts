import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import type { BuildOptions, Plugin, PluginBuild } from 'esbuild';

/** Packages that a bundler cannot bundle, or must not: two copies of onnxruntime-common break `instanceof Tensor`. The layers carry them. */
const nativePackages = ['onnxruntime-node', 'onnxruntime-common', 'sharp'];

/** Recipes serve `push` alone; the list of tasks names them, and nothing that a function runs imports them. */
const external = [...nativePackages, '*/recipe.ts'];

/** Packages whose bundles the plugins change. */
const S3_CLIENT = /^@aws-sdk\/client-s3$/;
const AUDIO_DECODERS = /^@wasm-audio-decoders\//;

/**
 * Makes a build fail that imports `subject` and in which a plugin changed less than expected: an upgrade has given the package another
 * form, in which its bundle would silently be larger or start more slowly. Bundles without `subject` are built as they are.
 * @param expected least number of changes, by the part that is changed
 * @returns a function that the plugin calls with each part that it changes
 */
const expectChanges = (
  { onStart, onResolve, onEnd }: PluginBuild,
  plugin: string,
  subject: RegExp,
  expected: Readonly<Record<string, number>>,
) => {
  const changes = new Map<string, number>();
  let isImported = false;
  onStart(() => {
    changes.clear();
    isImported = false;
  });
  onResolve({ filter: subject }, () => {
    isImported = true;
    return undefined; // esbuild resolves it
  });
  onEnd(() => {
    if (!isImported) return {};
    return {
      errors: Object.entries(expected).flatMap(([part, least]) => {
        const count = changes.get(part) ?? 0;
        const text = `esbuild.config.ts: plugin ${plugin} changed ${part} ${count} times, expected at least ${least}; look for it in the packages that import it, then mend or remove the plugin`;
        return count < least ? [{ text }] : [];
      }),
    };
  });
  return (part: string, count = 1): void => {
    changes.set(part, (changes.get(part) ?? 0) + count);
  };
};

/** Replaces modules by `contents`, which is their source by name, in bundles of `subject`. */
const replaceModules = (name: string, subject: RegExp, contents: Readonly<Record<string, string>>): Plugin => ({
  name,
  setup(build) {
    const modules = Object.keys(contents);
    const changed = expectChanges(build, name, subject, Object.fromEntries(modules.map((module) => [module, 1])));
    build.onResolve({ filter: new RegExp(`^(node:)?(${modules.join('|')})$`) }, ({ path, resolveDir }) => ({
      path: path.replace('node:', ''),
      namespace: name,
      pluginData: resolveDir,
    }));
    build.onLoad({ filter: /.*/, namespace: name }, ({ path, pluginData: resolveDir }) => {
      changed(path);
      return { contents: contents[path] ?? '', resolveDir };
    });
  },
});

/** Names of values; the other names of a module are getters. */
const plainNames = (module: object): string[] =>
  Object.entries(Object.getOwnPropertyDescriptors(module)).flatMap(([name, { get }]) => (get ? [] : [name]));

/** @param late functions that a module of Node's own loads when their names are read */
const withoutGetters = (name: string, late: readonly string[] = []): string => {
  const names = plainNames(process.getBuiltinModule(name) ?? {}).filter((each) => !late.includes(each));
  return `const module = process.getBuiltinModule('node:${name}');
export const { ${names} } = module;
${late.map((each) => `export const ${each} = (...values) => module.${each}(...values);`).join('')}
export default module;`;
};

/**
 * `import` of a module of Node's own loads it, and reads each of its names, getters too: node:http loads undici for its `WebSocket`,
 * node:process opens stdin, and node:fs loads its streams. Nobody here uses those at the start, nor the one checksum that the SDK takes from
 * node:zlib: some 27 ms of a cold start.
 */
const builtinsOnDemand = replaceModules('builtins-on-demand', S3_CLIENT, {
  http: withoutGetters('http'),
  https: withoutGetters('https'),
  process: withoutGetters('process'),
  fs: `${withoutGetters('fs')}
export const { promises } = module;
export const ReadStream = { [Symbol.hasInstance]: (value) => value instanceof module.ReadStream };`,
  zlib: "export const crc32 = (...values) => process.getBuiltinModule('node:zlib').crc32(...values);",
});

/** Names of node:util load a comparison of texts, a parser of arguments and workers, which no start uses: 2.3 ms. */
const utilOnDemand = replaceModules('util-on-demand', /^node:util$/, {
  util: withoutGetters('util', ['diff', 'parseArgs', 'setTraceSigInt']),
});

/** No operation on objects answers by a stream of events, whose codec is 30 KB. */
const sdkWithoutEventStreams = replaceModules('sdk-without-event-streams', S3_CLIENT, {
  '@smithy/core/event-streams': `function refuse() { throw new Error('esbuild.config.ts leaves event streams out'); }
export const resolveEventStreamSerdeConfig = (config) => config;
export { refuse as eventStreamSerdeProvider, refuse as EventStreamSerde };`,
});

/** Lambda puts credentials into the environment; the SDK's default chain would bring SSO, profiles and metadata services along, 240 KB. */
const credentialsFromEnvironment = replaceModules('credentials-from-environment', S3_CLIENT, {
  '@aws-sdk/credential-provider-node': `import { fromEnv } from '@aws-sdk/credential-provider-env';
export const defaultProvider = () => fromEnv();`,
});

/** Top-level arrays of `schemas_0.js` in release 3.1173 of the SDK: 528. */
const LEAST_SHAPES = 500;

/**
 * The SDK describes every shape of every operation of S3 in top-level arrays. Computed keys in them keep esbuild from leaving out those that
 * nothing refers to, 100 KB: as calls that are marked pure, they go.
 */
const shapesOnDemand: Plugin = {
  name: 'shapes-on-demand',
  setup(build) {
    const part = 'top-level arrays of schemas_0.js';
    const changed = expectChanges(build, 'shapes-on-demand', S3_CLIENT, { [part]: LEAST_SHAPES });
    build.onLoad({ filter: /client-s3\/dist-es\/schemas\/schemas_0\.js$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace(
        /^((?:export )?var [\w$]+ = )(\[[^;]*\]);$/gm,
        (_declaration, start: string, shape: string) => {
          changed(part);
          return `${start}/* @__PURE__ */ (() => ${shape})();`;
        },
      ),
    }));
  },
};

/** The audio decoders can run in workers, which is not done here; the CommonJS package that would start them cannot run in an ES module. */
const decodersWithoutWorkers = replaceModules('decoders-without-workers', AUDIO_DECODERS, {
  '@eshaz/web-worker': 'export default class {}',
});

/** The imports of the file `file` of every extension that has one, as the source of an object. */
const extensionImports = (file: string): string => {
  const folder = join(import.meta.dirname, 'extensions');
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => existsSync(join(folder, name, file))) : [];
  const entries = names.map((name) => [name, join(folder, name, file)].map((text) => JSON.stringify(text)));
  return `{ ${entries.map(([name, path]) => `${name}: () => import(${path})`).join(', ')} }`;
};

/** Puts the list of extensions, as it is at build time, in the place of the look for them on disk. */
const extensionsAtBuildTime: Plugin = {
  name: 'extensions-at-build-time',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]src[\\/]tasks[\\/]extensions\.ts$/ }, () => ({
      contents: `export const EXTENSION_TASKS = ${extensionImports('task.ts')};
export const EXTENSION_RECIPES = {};
export const EXTENSION_DECODERS = ${extensionImports('decoder.ts')};`,
    }));
  },
};

/** Puts the texts of the page in the place of their files: no other file of a package belongs to a function. */
const pageAtBuildTime: Plugin = {
  name: 'page-at-build-time',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]functions[\\/]docs[\\/]page-files\.ts$/ }, async ({ path }) => {
      const folder = join(dirname(path), 'page');
      const names = readdirSync(folder);
      const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')));
      const files = Object.fromEntries(names.map((name, index) => [name, texts[index]]));
      return { contents: `export const PAGE_FILES = ${JSON.stringify(files)};`, watchDirs: [folder] };
    });
  },
};

/** The code that speaks with a collector of OpenTelemetry is in a layer of its own, which a stage with a collector has. */
const exporterFromLayer: Plugin = {
  name: 'exporter-from-layer',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/]telemetry[\\/]collector[\\/]exporter\.ts$/ }, () => ({
      contents: `import { createRequire } from 'node:module';
export const { createExporter } = createRequire(import.meta.url)('onnx-serverless-opentelemetry');`,
    }));
  },
};

/** Functions need the version of package.json, and nothing else of it. */
const versionAlone: Plugin = {
  name: 'version-alone',
  setup({ onLoad }) {
    const project = join(import.meta.dirname, 'package.json');
    onLoad({ filter: /[\\/]package\.json$/ }, async ({ path }) => {
      if (path !== project) return undefined;
      const { version } = JSON.parse(await readFile(path, 'utf8'));
      return { contents: JSON.stringify({ version }), loader: 'json' };
    });
  },
};

const SOURCES = join(import.meta.dirname, 'src');
const TASKS = join(SOURCES, 'tasks');
const RELATIVE_IMPORT = /^import (?!type )[^;]*'(\.[^']*)';$/gm;

/** The files that an entry point imports. */
const importedBy = async (entry: string): Promise<string[]> =>
  Array.from((await readFile(entry, 'utf8')).matchAll(RELATIVE_IMPORT), ([, path = '']) =>
    resolve(dirname(entry), path),
  );

/** What most tasks share. */
const SHARED_BY_TASKS = ['single-pass.ts', 'scores.ts', 'elements.ts'].map((name) => join(TASKS, name));

/**
 * Modules with the same importers become a file, which would cut what a function reads at its start into twenty, and a task into ten: finding
 * and reading each takes a quarter of a millisecond. A module that is imported later imports all that the function starts with, and a task
 * what most tasks share, so that each of these becomes one file.
 */
const fewFiles: Plugin = {
  name: 'few-files',
  setup({ initialOptions, onResolve, onLoad, resolve: find }) {
    const [entry] = Array.isArray(initialOptions.entryPoints) ? initialOptions.entryPoints : [];
    if (typeof entry !== 'string') return;
    const namespace = 'few-files';
    onResolve({ filter: /^\./ }, async ({ path, kind, pluginData, importer, resolveDir }) => {
      if (kind !== 'dynamic-import' || pluginData === namespace || !importer.startsWith(SOURCES)) return undefined;
      const found = await find(path, { kind, importer, resolveDir, pluginData: namespace });
      if (found.external) return found;
      return { path: relative(import.meta.dirname, found.path), namespace };
    });
    onLoad({ filter: /.*/, namespace }, async ({ path }) => {
      const module = join(import.meta.dirname, path);
      const shared = [...(await importedBy(entry)), ...(module.startsWith(TASKS) ? SHARED_BY_TASKS : [])];
      const imports = shared.map((file) => `import ${JSON.stringify(file)};`);
      return { contents: `${imports.join('')}export * from ${JSON.stringify(module)};`, resolveDir: dirname(module) };
    });
  },
};

/** Options that bundle a function into ES modules: `handler.mjs`, and a file for the code of each task. Deployment, tests and benchmarks use them. */
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
    utilOnDemand,
    sdkWithoutEventStreams,
    credentialsFromEnvironment,
    shapesOnDemand,
    decodersWithoutWorkers,
    extensionsAtBuildTime,
    pageAtBuildTime,
    exporterFromLayer,
    versionAlone,
    fewFiles,
  ],
} satisfies BuildOptions;

/**
 * serverless-esbuild zips all that its folder holds: files that an earlier run left, or that another writes at the same time, too. Each
 * process gets a folder of its own, and removes it however it ends.
 */
const serverlessEsbuildOptions = () => {
  const outputWorkFolder = join('.esbuild', randomUUID());
  process.once('exit', () => rmSync(join(import.meta.dirname, outputWorkFolder), { recursive: true, force: true }));
  // To build again, serverless-esbuild would keep processes. It does not end them after a failure, and sls would wait for them for ever.
  const skipRebuild = true;
  return { ...bundleOptions, exclude: external, outputFileExtension: '.mjs', outputWorkFolder, skipRebuild };
};

/** serverless-esbuild loads this file with `require` and expects a function. */
export { serverlessEsbuildOptions as 'module.exports' };
