import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { build } from 'esbuild';
import { bundleOptions } from '../../esbuild.config.ts';

/** A package of the name of the S3 client that imports, and declares, all that the plugins change. */
const S3_CLIENT = {
  'index.js': `import 'node:http';
import 'node:https';
import 'node:process';
import { ReadStream } from 'node:fs';
import { crc32 } from 'node:zlib';
import { EventStreamSerde } from '@smithy/core/event-streams';
import { defaultProvider } from '@aws-sdk/credential-provider-node';
import { shape0 } from './dist-es/schemas/schemas_0.js';
export const client = [crc32, ReadStream, EventStreamSerde, defaultProvider, shape0];`,
  'dist-es/schemas/schemas_0.js': Array.from(
    { length: 528 },
    (_, index) => `export var shape${index} = [3, "Shape${index}"];`,
  ).join('\n'),
};

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'bundle-'));
});
afterEach(() => rm(directory, { recursive: true }));

const write = async (path: string, content: string): Promise<void> => {
  await mkdir(dirname(join(directory, path)), { recursive: true });
  await writeFile(join(directory, path), content);
};

/** Bundles `entry`, for which the packages are found in the directory of the test. */
const bundle = async (entry: string, packages: Readonly<Record<string, string>>): Promise<string> => {
  const installed = { '@aws-sdk/credential-provider-env/index.js': 'export const fromEnv = () => {};', ...packages };
  for (const [path, content] of Object.entries(installed)) await write(join('node_modules', path), content);
  await write('entry.js', entry);
  const { outputFiles } = await build({
    ...bundleOptions,
    entryPoints: [join(directory, 'entry.js')],
    outdir: join(directory, 'out'),
    write: false,
    logLevel: 'silent',
  });
  return outputFiles.map(({ text }) => text).join('\n');
};

const bundleS3 = (changed: Partial<typeof S3_CLIENT> = {}): Promise<string> => {
  const files = Object.entries({ ...S3_CLIENT, ...changed });
  const packages = files.map(([path, content]) => [`@aws-sdk/client-s3/${path}`, content]);
  return bundle("import { client } from '@aws-sdk/client-s3'; console.log(client);", Object.fromEntries(packages));
};

describe('the bundle of a function', () => {
  it('keeps only the shapes that are used', async () => {
    const text = await bundleS3();

    expect(text).toContain('"Shape0"');
    expect(text).not.toContain('"Shape1"');
  });

  it('fails when the S3 client declares its shapes in another form', async () => {
    const schemas = S3_CLIENT['dist-es/schemas/schemas_0.js'].replaceAll('export var', 'export const');

    await expect(bundleS3({ 'dist-es/schemas/schemas_0.js': schemas })).rejects.toThrow(
      'plugin shapes-on-demand changed top-level arrays of schemas_0.js 0 times, expected at least 500; look for it',
    );
  });

  it.each([
    ['node:http', 'builtins-on-demand changed http 0 times'],
    ['node:https', 'builtins-on-demand changed https 0 times'],
    ['node:fs', 'builtins-on-demand changed fs 0 times'],
    ['node:process', 'builtins-on-demand changed process 0 times'],
    ['node:zlib', 'builtins-on-demand changed zlib 0 times'],
    ['@smithy/core/event-streams', 'sdk-without-event-streams changed @smithy/core/event-streams 0 times'],
    ['@aws-sdk/credential-provider-node', 'credentials-from-environment changed @aws-sdk/credential-provider-node 0'],
  ])('fails when the S3 client no longer imports %s', async (module, message) => {
    const index = S3_CLIENT['index.js']
      .replace(new RegExp(`^import .*'${module}';$`, 'm'), '')
      .replace(/^export const client.*$/m, 'export const client = [];');

    await expect(bundleS3({ 'index.js': index })).rejects.toThrow(message);
  });

  it('fails when the audio decoders no longer import their workers', async () => {
    const decoder = { '@wasm-audio-decoders/flac/index.js': 'export const decode = () => {};' };
    const entry = "import { decode } from '@wasm-audio-decoders/flac'; decode();";

    await expect(bundle(entry, decoder)).rejects.toThrow('decoders-without-workers changed @eshaz/web-worker 0 times');
  });

  it('is built without further ado when it imports neither the S3 client nor the decoders', async () => {
    expect(await bundle("console.log('nothing to change');", {})).toContain('nothing to change');
  });
});
