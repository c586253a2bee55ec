import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { refuse } from '../core/errors.ts';
import type { Payload } from '../core/payload.ts';
import { atPlace } from '../evaluation/at-place.ts';
import { openSamples } from '../evaluation/samples/read-samples.ts';
import type { SampleInput } from '../evaluation/samples/sample.ts';
import { parseObject } from '../serving/inputs.ts';
import { labelledTask } from './labelled-tasks.ts';
import type { Sample } from './measuring/jobs.ts';

/** All samples are in memory at once. */
const MOST_SAMPLES = 10_000;

export interface Samples {
  readonly samples: readonly Sample[];
  /** The hash of all inputs and labels in their order, in lower-case hexadecimal. */
  readonly sha256: string;
}

/** Names of classes may be numbers. */
const toLabel = (label: unknown): unknown => (typeof label === 'object' ? label : String(label));

/** An input as its own request. The task `tensor` takes a list of tensors, the others a list of inputs. */
const toPayload = async (input: SampleInput, bytes: Buffer, task: string, isLabelled: boolean): Promise<Payload> => {
  const parameters = isLabelled ? labelledTask(task)?.parameters : undefined;
  if (!('file' in input))
    return { inputs: task === 'tensor' ? input.json : [input.json], parameters: { ...parameters } };
  const payload = await parseObject(input.file, bytes);
  return { ...payload, parameters: { ...payload.parameters, ...parameters } };
};

const readSample = (path: string, place: string): Promise<Buffer> =>
  readFile(path).catch(({ message }: Error) => refuse('NOT_FOUND', `${place}: the file cannot be read: ${message}`));

/**
 * Reads samples as `evaluate` does.
 * @param task the task of the model
 * @throws `NOT_FOUND`, `INVALID_REQUEST`, `INVALID_INPUT` naming the sample
 */
export const readSamples = async (path: string, task: string): Promise<Samples> => {
  const hash = createHash('sha256');
  const samples: Sample[] = [];
  for await (const { place, input, label } of (await openSamples(path)).read()) {
    const bytes = 'file' in input ? await readSample(input.file, place) : Buffer.from(JSON.stringify(input.json));
    hash.update(bytes).update(JSON.stringify([label]));
    const payload = await toPayload(input, bytes, task, label !== undefined).catch((error: unknown) => {
      throw atPlace(place, error);
    });
    samples.push({ name: place, payload, ...(label !== undefined && { label: toLabel(label) }) });
    if (samples.length > MOST_SAMPLES)
      refuse('INVALID_REQUEST', `--data ${path} has more than ${MOST_SAMPLES} samples; name a part of them`);
  }
  if (samples.length === 0) refuse('INVALID_REQUEST', `--data ${path} has no samples`);
  return { samples, sha256: hash.digest('hex') };
};

/** Every n-th sample: files are often sorted by label. */
export const spread = (samples: readonly Sample[], count: number): Sample[] => {
  const step = Math.max(1, samples.length / count);
  return Array.from(
    { length: Math.min(count, samples.length) },
    (_, index) => samples[Math.floor(index * step)],
  ).filter((sample) => sample !== undefined);
};
