import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { pushModel } from '../../../src/authoring/push-model.ts';
import type { Attempt } from '../../../src/optimise/attempt.ts';
import type { MethodName } from '../../../src/optimise/methods.ts';
import { optimiseModel } from '../../../src/optimise/optimise-model.ts';
import { createModelRepository } from '../../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../../src/repository/stores/directory-store.ts';
import { pythonCosine } from '../../support/quantised/python-cosine.ts';
import type { Results } from '../measures.ts';
import type { Sample } from '../sample.ts';
import { projectRoot, type Workbench } from '../workbench.ts';

const HELD_OUT = path.join(projectRoot, 'models/sentiment/held-out.tsv');
/** Texts for the sentence encoder. Nine sentences make about 128 tokens. */
const [TEXTS, SENTENCES] = [60, 9];
/** The speed-up from which an image classifier in int8 is worth it. */
const WORTH_IT = 1.4;

/** Texts of the held-out sentences, `sentences` in each. */
const writeTexts = async (folder: string, sentences: number): Promise<string> => {
  const [, ...lines] = (await readFile(HELD_OUT, 'utf8')).trim().split('\n');
  const all = lines.map((line) => line.split('\t')[0] ?? '');
  const texts = Array.from({ length: TEXTS }, (_, index) =>
    all.slice(index * sentences, (index + 1) * sentences).join(' '),
  );
  const file = path.join(folder, `texts-of-${sentences}.jsonl`);
  await writeFile(file, texts.map((text) => JSON.stringify({ text })).join('\n'));
  return file;
};

interface Candidate {
  readonly name: string;
  readonly data: string;
  readonly method: MethodName;
  readonly maxLoss: number;
}

/** The first attempt of a method on the folder of a model: that without layers in float32. */
const attempt = async (store: string, folder: string, { name, data, method, maxLoss }: Candidate): Promise<Attempt> => {
  const repository = createModelRepository(createDirectoryStore(store));
  await pushModel(repository, folder, { name });
  const bundle = await repository.bundle(name, 1);
  const { report } = await optimiseModel(repository, bundle, {
    ...{ data, methods: [method], maxLoss, dryRun: true, onStep: () => {} },
  });
  const [first] = report.attempts;
  if (first?.figures === undefined || first.loss === undefined) throw new Error(`${name}: ${first?.reason}`);
  return first;
};

const speedUp = ({ originalCpuMs = Number.NaN, figures }: Attempt): number =>
  originalCpuMs / (figures?.cpuMs ?? Number.NaN);

const timesOf = (what: string, { originalCpuMs = Number.NaN, figures }: Attempt): Results['times'] =>
  Object.fromEntries(
    [
      [`${what} in float32, CPU`, originalCpuMs],
      [`${what} in int8, CPU`, figures?.cpuMs ?? Number.NaN],
    ].map(([name, ms]) => [name, { median: Number(ms), min: Number(ms), max: Number(ms) }]),
  );

/**
 * Graphs in 8-bit integers beside those in float32, measured as `optimise` does: CPU time by turns, answers under the gate.
 * @param miniLm the folder of the sentence encoder; its figures are left out without it
 */
export const measureOptimise = async (
  { directory }: Workbench,
  { photoPaths }: Sample,
  miniLm: string | undefined,
  report: (line: string) => void,
): Promise<Results> => {
  const folder = path.join(directory, 'optimise');
  await mkdir(folder);
  const store = path.join(folder, 'store');
  const sentiment = await attempt(store, path.join(projectRoot, 'models/sentiment'), {
    ...{ name: 'sentiment', data: HELD_OUT, method: 'int8-dynamic', maxLoss: 0.01 },
  });
  const lite0 = await attempt(store, path.join(projectRoot, 'models/efficientnet-lite0'), {
    ...{ name: 'lite0', data: path.dirname(photoPaths[0] ?? ''), method: 'int8-static', maxLoss: 0.01 },
  });
  report(`EfficientNet-Lite0 in int8, ${speedUp(lite0).toFixed(2)} times as fast: ${lite0.outcome} ${lite0.reason}`);
  const isWorthIt = lite0.outcome === 'passes' && speedUp(lite0) >= WORTH_IT;
  const encode = async (sentences: number): Promise<Attempt | undefined> =>
    miniLm === undefined
      ? undefined
      : attempt(store, miniLm, {
          ...{ name: `minilm-${sentences}`, data: await writeTexts(folder, sentences) },
          ...{ method: 'int8-dynamic', maxLoss: 0.02 },
        });
  const [single, long] = [await encode(1), await encode(SENTENCES)];
  return {
    figures: {
      'optimise.sentiment_lost_points': 100 * (sentiment.loss?.value ?? Number.NaN),
      'optimise.lite0_judged': Number(isWorthIt || lite0.outcome === 'loses too much'),
      ...(long && { 'optimise.minilm_speedup': speedUp(long) }),
      ...(miniLm !== undefined && { 'optimise.minilm_python_cosine': await pythonCosine('minilm', miniLm) }),
      ...(single && { 'optimise.minilm_cosine': single.loss?.candidate ?? Number.NaN }),
    },
    times: {
      ...timesOf('sentiment', sentiment),
      ...timesOf('EfficientNet-Lite0', lite0),
      ...(long && timesOf('MiniLM, 128 tokens', long)),
    },
  };
};
