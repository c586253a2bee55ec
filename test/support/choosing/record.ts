import { readFile } from 'node:fs/promises';
import type { Measurement } from '../../../src/advise/advise-model.ts';

/** The measurements of the sample models, as `npm run choosing:measure` wrote them. */
export const RECORD = 'test/fixtures/choosing.json';

export interface Recorded {
  /** The day of the measurement. */
  readonly date: string;
  readonly measurements: readonly Measurement[];
}

/** The sample models with samples that they are measured on. */
export const SAMPLES = [
  { name: 'sentiment', data: 'models/sentiment/held-out.tsv', isOptimised: true },
  { name: 'efficientnet-lite0', data: 'models/efficientnet-lite0/samples', isOptimised: false },
  { name: 'iris', data: 'models/iris/samples/flowers.jsonl', isOptimised: false },
  { name: 'retail-recommender', data: 'models/retail-recommender/samples/users.jsonl', isOptimised: false },
] as const;

export const readRecord = async (): Promise<Recorded> => JSON.parse(await readFile(RECORD, 'utf8'));
