import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { recording } from '../../support/recording.ts';
import { type Contender, startContender } from '../contender.ts';
import { type Figure, measureInTurn, toFigure, toRatio } from '../figures.ts';
import type { MeasureName, Results } from '../measures.ts';
import { type Peers, peersFolder, pythonFolder } from '../peers.ts';
import { projectRoot, type Workbench } from '../workbench.ts';

/** What is preprocessed: the file that each contender reads. */
export interface PreprocessingCases {
  /** Short texts. */
  readonly texts: readonly string[];
  /** Folders of tokenizers by name. */
  readonly tokenizers: Readonly<Record<string, string>>;
  readonly sound: {
    /** A file of float32 samples at 16 kHz. */
    readonly path: string;
    readonly bins: number;
    readonly frames: number;
  };
}

const run = promisify(execFile);
const trained = path.join(peersFolder, 'tokenizers-1');
const LOG_MEL = 'log-mel';
/** Spectrograms differ by the precision of torch, single, near the quietest level. */
const NEAR_LEVELS = 1e-3;
const THIRTY_SECONDS = [1, 480_000, 80, 8] as const;

/** Tokenizers as GPT-2 and T5 have them, trained once on the docs of the project and its packages. */
const ensureTrained = async (python: string): Promise<string> => {
  if ((await readdir(trained).catch(() => [])).length > 0) return trained;
  const scratch = await mkdtemp(path.join(tmpdir(), 'tokenizers-'));
  try {
    const docs = path.join(projectRoot, 'docs');
    const files = (await readdir(docs, { recursive: true })).filter((name) => name.endsWith('.md'));
    const made = path.join(scratch, 'made');
    const script = path.join(pythonFolder, 'train_tokenizers.py');
    await run(python, [script, made, ...files.map((name) => path.join(docs, name))]);
    await rename(made, trained);
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  return trained;
};

/** A Python with torch: the package of a distribution, since PyPI's has a gigabyte. */
const findTorch = async (): Promise<string | undefined> => {
  for (const program of ['python3', '/usr/bin/python3'])
    if (
      await run(program, ['-c', 'import torch']).then(
        () => true,
        () => false,
      )
    )
      return program;
  return undefined;
};

const assertNear = (answer: unknown, expected: unknown, tolerance: number): void => {
  assert.ok(Array.isArray(answer) && Array.isArray(expected));
  assert.equal(answer.length, expected.length);
  const worst = expected.reduce((most, value, at) => Math.max(most, Math.abs(value - answer[at])), 0);
  assert.ok(worst <= tolerance, `values differ by ${worst}`);
};

/** A library that does the same. */
interface Rival {
  readonly contender: Contender;
  /** Undefined where its time is shown alone. */
  readonly measure?: MeasureName | undefined;
  /** How far its values may lie from the product's; undefined for a library that gives wrong ids for some texts. */
  readonly tolerance?: number;
}

/** Times the product and its rivals in turn. */
const compare = async (
  name: string,
  product: Contender,
  rivals: Readonly<Record<string, Rival>>,
  rounds: number,
): Promise<Results> => {
  const expected = (await product.answer(name)).answer;
  const timed = async ({ contender, tolerance }: Rival): Promise<number> => {
    const { ms, answer } = await contender.answer(name);
    if (tolerance !== undefined) assertNear(answer, expected, tolerance);
    return ms;
  };
  const contenders: Readonly<Record<string, Rival>> = { product: { contender: product }, ...rivals };
  const measured = await measureInTurn(
    { rounds, repeats: 3 },
    Object.fromEntries(Object.entries(contenders).map(([who, rival]) => [who, () => timed(rival)])),
  );
  const [figures, times]: [Record<string, Figure>, Record<string, Figure>] = [{}, {}];
  for (const [who, { measure }] of Object.entries(contenders)) {
    times[`${name}, ${who}`] = toFigure(measured[who] ?? []);
    if (measure !== undefined) figures[measure] = toRatio(measured.product ?? [], measured[who] ?? []);
  }
  return { figures, times };
};

/** The product's tokenizers beside those in JavaScript and in Rust, and its spectrogram beside torch's. */
export const measurePreprocessing = async (
  workbench: Workbench,
  { transformersFolder, python }: Peers,
  miniLm: string | undefined,
  rounds: number,
): Promise<Results> => {
  const { directory, environment } = workbench;
  const tsv = await readFile(path.join(projectRoot, 'models/sentiment/held-out.tsv'), 'utf8');
  const [, ...lines] = tsv.trim().split('\n');
  const folder = python && (await ensureTrained(python));
  const cases: PreprocessingCases = {
    texts: lines.map((line) => line.split('\t')[0] ?? ''),
    tokenizers: {
      ...(miniLm !== undefined && { WordPiece: miniLm }),
      ...(folder !== undefined && { unigram: path.join(folder, 'unigram'), BPE: path.join(folder, 'bpe') }),
    },
    sound: { path: path.join(directory, 'sound.f32'), bins: 80, frames: 3_000 },
  };
  await writeFile(cases.sound.path, recording(THIRTY_SECONDS));
  const casesFile = path.join(directory, 'preprocessing.json');
  await writeFile(casesFile, JSON.stringify(cases));

  const started: Contender[] = [];
  const start = (program: string, script: string): Contender => {
    const args = [script, casesFile];
    const contender = startContender({ program, args, cwd: path.dirname(script), environment: environment() });
    started.push(contender);
    return contender;
  };
  const product = start(process.execPath, path.join(directory, 'scripts/preprocess.mjs'));
  const library = transformersFolder && start(process.execPath, path.join(transformersFolder, 'preprocess.mjs'));
  const rust = python && start(python, path.join(pythonFolder, 'tokenize_texts.py'));
  const withTorch = await findTorch();
  const torch = withTorch && start(withTorch, path.join(pythonFolder, 'log_mel.py'));
  const rivals = (measure: MeasureName, rustMeasure?: MeasureName): Record<string, Rival> => ({
    ...(library && { 'transformers.js': { contender: library, measure } }),
    ...(rust && { tokenizers: { contender: rust, measure: rustMeasure, tolerance: 0 } }),
  });
  const work: Readonly<Record<string, Readonly<Record<string, Rival>>>> = {
    ...(cases.tokenizers.WordPiece && { WordPiece: rivals('text.wordpiece_ratio') }),
    ...(cases.tokenizers.BPE && {
      unigram: rivals('text.unigram_ratio'),
      BPE: rivals('text.bpe_ratio', 'text.bpe_rust_ratio'),
    }),
    ...(torch && {
      [LOG_MEL]: { torch: { contender: torch, measure: 'sound.log_mel_ratio', tolerance: NEAR_LEVELS } },
    }),
  };
  try {
    const results: Results[] = [];
    for (const [name, others] of Object.entries(work)) results.push(await compare(name, product, others, rounds));
    return {
      figures: Object.assign({}, ...results.map(({ figures }) => figures)),
      times: Object.assign({}, ...results.map(({ times }) => times)),
    };
  } finally {
    for (const contender of started) contender.stop();
  }
};
