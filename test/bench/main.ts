import { parseArgs } from 'node:util';
import { measureBatch } from './measurements/batch.ts';
import { measureBulk } from './measurements/bulk.ts';
import { measureColdStart } from './measurements/cold-start.ts';
import { measureColdToken, measureGeneration, measureGenerators, measureLargeLoad } from './measurements/generation.ts';
import { measureGrowth } from './measurements/growth.ts';
import { measureJsonTensors } from './measurements/json-tensors.ts';
import { measureCreate, measureDownload, measurePeakMemory } from './measurements/load.ts';
import { countMetadataRequests } from './measurements/metadata-requests.ts';
import { measureOptimise } from './measurements/optimise.ts';
import { measurePreprocessing } from './measurements/preprocessing.ts';
import { measureRivals } from './measurements/rivals.ts';
import { measureSizes } from './measurements/sizes.ts';
import { measureWarm } from './measurements/warm.ts';
import type { Results } from './measures.ts';
import { ensureMiniLm } from './minilm.ts';
import { writePerformancePage } from './page/performance-page.ts';
import { FIGURE_HEADER, figureRows, TIME_HEADER, timeRows, toPlainTable } from './page/table.ts';
import { ensureGenerators, ensureMlServer, ensurePeers } from './peers.ts';
import { prepareSample, SAMPLE, sampleFolder } from './sample.ts';
import { createWorkbench, type Workbench } from './workbench.ts';

const BATCH = 64;

const { values: options } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    quick: { type: 'boolean', default: false },
    only: { type: 'string' },
    rounds: { type: 'string' },
  },
});
const rounds = Number(options.rounds ?? (options.quick ? 3 : 15));
if (!(Number.isInteger(rounds) && rounds >= 1)) throw new Error(`--rounds ${options.rounds} is no number of rounds`);
/** A round computes some hundred tokens after long texts, three times. */
const MOST_GENERATOR_ROUNDS = 5;

const report = (line: string): void => {
  process.stderr.write(`${line}\n`);
};

type Measurements = Readonly<Record<string, () => Promise<Results>>>;

const measureEach = async (measurements: Measurements, results: Results[]): Promise<Results> => {
  for (const [name, measure] of Object.entries(measurements)) {
    report(`${name} …`);
    results.push(await measure());
  }
  return {
    figures: Object.assign({}, ...results.map(({ figures }) => figures)),
    times: Object.assign({}, ...results.map(({ times }) => times)),
  };
};

type Part = (workbench: Workbench) => Promise<Results>;

/** Parts about large models. */
const LARGE_MODELS: Readonly<Record<string, Part>> = {
  'llm.decode': (workbench) => measureGeneration(workbench, rounds),
  'llm.others': async (workbench) => {
    return measureGenerators(workbench, await ensureGenerators(report), Math.min(rounds, MOST_GENERATOR_ROUNDS));
  },
  'llm.cold': (workbench) => measureColdToken(workbench, rounds),
  'llm.load': (workbench) => measureLargeLoad(workbench, rounds),
};

const largeModels = (workbench: Workbench): Measurements =>
  Object.fromEntries(Object.entries(LARGE_MODELS).map(([name, measure]) => [name, () => measure(workbench)]));

const measureMlServer = async (workbench: Workbench): Promise<Results> => {
  const python = await ensureMlServer(report);
  return python === undefined ? { figures: {}, times: {} } : measureJsonTensors(workbench, python, rounds);
};

const measureAll = async (workbench: Workbench): Promise<Results> => {
  const peers = await ensurePeers(report);
  const miniLm = await ensureMiniLm(report);
  report('sizes, requests, memory …'); // counted, not timed: side by side
  const [sample, ...results] = await Promise.all([
    prepareSample(workbench, BATCH),
    measureSizes(workbench),
    countMetadataRequests(workbench),
    measurePeakMemory(workbench, rounds),
  ]);
  const timed: Measurements = {
    'cold start': () => measureColdStart(workbench, sample, peers, rounds),
    'warm requests': () => measureWarm(workbench, sample, rounds),
    batch: () => measureBatch(workbench, sample, rounds),
    'session creation': () => measureCreate(workbench, rounds),
    download: () => measureDownload(workbench, rounds),
    ...(!options.quick && {
      'bulk runs': () => measureBulk(workbench, sample, false),
      optimise: () => measureOptimise(workbench, sample, miniLm, report),
      rivals: () => measureRivals(workbench, peers, miniLm, rounds),
      'JSON tensors': () => measureMlServer(workbench),
      preprocessing: () => measurePreprocessing(workbench, peers, miniLm, rounds),
      ...largeModels(workbench),
    }),
  };
  const all = await measureEach(timed, results);
  if (!options.quick) {
    report('growth …');
    await writePerformancePage(all, await measureGrowth(workbench, peers), rounds);
  }
  return all;
};

/** Parts of the bench that run alone. */
const PARTS: Readonly<Record<string, Part>> = {
  llm: (workbench) => measureEach(largeModels(workbench), []),
  ...LARGE_MODELS,
  warm: async (workbench) => measureWarm(workbench, await prepareSample(workbench, BATCH), rounds),
  bulk: async (workbench) => measureBulk(workbench, await prepareSample(workbench, BATCH), options.quick),
  rivals: async (workbench) => {
    const [peers, miniLm] = [await ensurePeers(report), await ensureMiniLm(report)];
    await workbench.push(sampleFolder, SAMPLE);
    return measureRivals(workbench, peers, miniLm, rounds);
  },
  mlserver: measureMlServer,
  preprocessing: async (workbench) =>
    measurePreprocessing(workbench, await ensurePeers(report), await ensureMiniLm(report), rounds),
};
const measureChosen = options.only === undefined ? measureAll : PARTS[options.only];
if (measureChosen === undefined)
  throw new Error(`--only ${options.only} is unknown; there are ${Object.keys(PARTS).join(', ')}`);

const workbench = await createWorkbench();
try {
  const { figures, times } = await measureChosen(workbench);
  if (options.json) console.log(JSON.stringify(figures, undefined, 2));
  else
    console.log(`${toPlainTable(FIGURE_HEADER, figureRows(figures))}\n\n${toPlainTable(TIME_HEADER, timeRows(times))}`);
} finally {
  await workbench.remove();
}
