import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { build } from 'esbuild';

/** Name of the layer's module, which functions require. */
export const OPENTELEMETRY_MODULE = 'onnx-serverless-opentelemetry';

const projectRoot = path.dirname(import.meta.dirname);
const ENTRY = path.join(projectRoot, 'src/lambda/telemetry/collector/exporter.ts');
const LICENCE = path.join(projectRoot, 'node_modules/@opentelemetry/api/LICENSE');

/** Makes the layer `directory` of the code that speaks with a collector of OpenTelemetry: one file, with the packages that it imports. */
export const buildOpenTelemetryLayer = async (directory: string): Promise<string> => {
  await mkdir(path.dirname(directory), { recursive: true });
  const partial = await mkdtemp(`${directory}.part-`);
  try {
    const folder = path.join(partial, 'nodejs/node_modules', OPENTELEMETRY_MODULE);
    await build({
      absWorkingDir: projectRoot,
      entryPoints: [ENTRY],
      outfile: path.join(folder, 'index.js'),
      bundle: true,
      platform: 'node',
      target: 'node24',
      format: 'cjs', // `require` alone reads NODE_PATH, by which layers are found
      mainFields: ['module', 'main'],
      minifySyntax: true,
      minifyWhitespace: true,
      logLevel: 'error',
    });
    await cp(LICENCE, path.join(folder, 'LICENSE'));
    await rm(directory, { recursive: true, force: true });
    await rename(partial, directory);
  } finally {
    await rm(partial, { recursive: true, force: true });
  }
  return directory;
};
