import * as v from 'valibot';
import type { CaptureRecord } from '../../capture/record.ts';
import { ServingError } from '../../core/errors.ts';
import type { Feature } from '../../core/features.ts';
import { baselineKey } from '../../repository/keys.ts';
import { unlessMissing } from '../../repository/model-repository.ts';
import type { ObjectStore } from '../../repository/stores/object-store.ts';
import { describeIssue, parseJson } from '../../repository/versions/bundle.ts';
import { baselineFeatureSchema, countValues, makeBins } from './histogram.ts';

const baselineSchema = v.object({
  formatVersion: v.literal(1),
  model: v.string(),
  version: v.number(),
  task: v.string(),
  /** The origin of the samples: a file, or days of captures. */
  source: v.string(),
  samples: v.number(),
  by: v.string(),
  at: v.string(),
  features: v.record(v.string(), baselineFeatureSchema),
});

/** The histograms of a version's usual inputs and answers, `baseline.json` beside its bundle. */
export type Baseline = v.InferOutput<typeof baselineSchema>;

/** Fewer samples make bins of chance. */
export const LEAST_BASELINE = 200;
const MAX_BYTES = 16 * 1024 * 1024;
/** Features of a sample that are watched. */
const MOST_FEATURES = 200;

/** Everything of a record that may drift, by name. Figures of the answer begin with `answer.`. */
export const valuesOf = (record: CaptureRecord): Record<string, Feature | undefined> => {
  const { features = {}, rows, bytes, label, score, margin, entropy, boxes, length, value, projections = [] } = record;
  const answer = { label, score, margin, entropy, boxes, length, value };
  return {
    ...features,
    ...(rows === 1 && { bytes }), // of many inputs, it is the size of their request
    ...Object.fromEntries(
      Object.entries(answer).flatMap(([name, figure]) => (figure === undefined ? [] : [[`answer.${name}`, figure]])),
    ),
    ...Object.fromEntries(projections.map((projection, index) => [`answer.projection ${index + 1}`, projection])),
  };
};

/** Makes the histograms of records: their own bins, and counts. @throws `INVALID_REQUEST` for too few records */
export const makeBaseline = (
  records: readonly CaptureRecord[],
  facts: Pick<Baseline, 'model' | 'version' | 'task' | 'source' | 'by'>,
): Baseline => {
  const rows = records.filter(({ status }) => status === 'ok').map(valuesOf);
  if (rows.length < LEAST_BASELINE)
    throw new ServingError(
      'INVALID_REQUEST',
      `the baseline has ${rows.length} samples, at least ${LEAST_BASELINE} are needed: name more data, or capture more`,
    );
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))].slice(0, MOST_FEATURES);
  const features = names.map((name) => {
    const values = rows.map((row) => row[name]).filter((value) => value !== undefined);
    const bins = makeBins(values);
    return [name, { bins, counts: countValues(bins, values) }] as const;
  });
  const at = new Date().toISOString();
  return { formatVersion: 1, ...facts, samples: rows.length, at, features: Object.fromEntries(features) };
};

/** Reads the baseline of a version; undefined when it has none. @throws `MODEL_INVALID` naming the field, or the other task */
export const readBaseline = async (
  store: ObjectStore,
  model: string,
  version: number,
  task: string,
): Promise<Baseline | undefined> => {
  const key = baselineKey(model, version);
  const object = await unlessMissing(store.read(key, MAX_BYTES));
  if (object === undefined) return undefined;
  const origin = `${store.location}/${key}`;
  const parsed = v.safeParse(baselineSchema, parseJson(object.body, origin));
  const advice = `make it again: npx onnx-serverless monitor ${model} --baseline <file|7d>`;
  if (!parsed.success) throw new ServingError('MODEL_INVALID', `${origin}: ${describeIssue(parsed.issues)}; ${advice}`);
  const { output } = parsed;
  if (output.task === task && output.model === model && output.version === version) return output;
  throw new ServingError(
    'MODEL_INVALID',
    `${origin} is the baseline of ${output.model} version ${output.version} for ${output.task}, ` +
      `expected ${model} version ${version} for ${task}; ${advice}`,
  );
};

/** Writes the baseline in the place of an older one. */
export const writeBaseline = async (store: ObjectStore, baseline: Baseline): Promise<void> => {
  await store.write(baselineKey(baseline.model, baseline.version), JSON.stringify(baseline), {
    contentType: 'application/json',
  });
};
