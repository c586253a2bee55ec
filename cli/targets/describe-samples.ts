import type { Capture } from '../../src/capture/capture.ts';
import type { CaptureSettings } from '../../src/capture/capture-settings.ts';
import { type CaptureRecord, toRecords } from '../../src/capture/record.ts';
import { openSamples } from '../../src/evaluation/samples/read-samples.ts';
import type { SampleInput } from '../../src/evaluation/samples/sample.ts';
import type { Terminal } from '../output/terminal.ts';
import { answeringVersion } from './answering-model.ts';
import { serveDirectory } from './serve-directory.ts';
import type { Target } from './target.ts';

/** Inputs that are answered together. */
const BATCH = 50;
const MOST_SAMPLES = 100_000;

/** Figures of all inputs and answers, as captures have them. */
const SETTINGS: CaptureSettings = { formatVersion: 1, share: 1, inputs: 'features', redact: [], by: '', at: '' };

/** Keeps the records of all predictions in memory. */
const collectRecords = () => {
  const records: CaptureRecord[] = [];
  const pending = new Set<Promise<void>>();
  const flush = async (): Promise<void> => {
    await Promise.all(pending);
  };
  const capture: Capture = {
    prepare: ({ ids, describe }) => {
      const { promise, resolve } = Promise.withResolvers<void>();
      pending.add(promise);
      return async () => {
        try {
          for (const captured of await describe(new Set(ids))) records.push(...toRecords(captured, SETTINGS));
        } finally {
          pending.delete(promise);
          resolve();
        }
      };
    },
    flush,
    end: flush,
  };
  return { records, capture };
};

/** Answers the samples at `path` with a version, in this process, and describes inputs and answers. @throws the errors of the answers */
export const describeSamples = async (
  { repository }: Target,
  reference: { readonly name: string; readonly version: number },
  path: string,
  terminal: Terminal,
): Promise<readonly CaptureRecord[]> => {
  const samples = await openSamples(path);
  const { records, capture } = collectRecords();
  const serving = serveDirectory(repository.store, capture);
  const progress = terminal.progress('Answering');
  try {
    const model = await answeringVersion({ ...serving, buckets: undefined }, reference, terminal);
    let inputs: SampleInput[] = [];
    let count = 0;
    const answer = async (): Promise<void> => {
      if (inputs.length > 0) await model.answer(inputs, {});
      inputs = [];
      await capture.flush();
    };
    for await (const { input, endBytes } of samples.read()) {
      inputs.push(input);
      count += 1;
      if (inputs.length === BATCH) await answer();
      progress(endBytes, samples.totalBytes);
      if (count === MOST_SAMPLES) break;
    }
    await answer();
    return records;
  } finally {
    await serving.close();
  }
};
