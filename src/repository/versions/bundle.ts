import { createHash } from 'node:crypto';
import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import { DTYPES } from '../../core/tensor.ts';

const relativePath = v.pipe(
  v.string(),
  v.check(
    (path) =>
      path !== '' &&
      !path.startsWith('/') &&
      path.split('/').every((part) => part !== '' && part !== '.' && part !== '..'),
    'must be a relative path without empty, "." and ".." parts',
  ),
);

const specs = v.array(
  v.object({ name: v.string(), dtype: v.picklist(DTYPES), shape: v.array(v.union([v.number(), v.string()])) }),
);

const bundleSchema = v.object({
  formatVersion: v.literal(1),
  name: v.string(),
  version: v.pipe(v.number(), v.integer(), v.minValue(1)),
  task: v.string(),
  /** Every file of the version; nothing is trusted that does not match its sha256. */
  files: v.array(
    v.object({
      path: relativePath,
      bytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
      sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    }),
  ),
  /** An ONNX graph by the role it plays; most tasks have one, `model`. */
  graphs: v.record(
    v.string(),
    v.object({
      file: relativePath,
      /** Files with weights that `file` names relative to itself. */
      externalData: v.array(relativePath),
      signature: v.object({ inputs: specs, outputs: specs }),
      /** How long creating the session took at push, in milliseconds. */
      createMs: v.number(),
      /** Where `file` was made at push to load faster: of what, and how far its outputs lay from the original's, absolute up to 1 and relative above. */
      baked: v.optional(
        v.object({
          from: relativePath,
          /** How many runs were compared. */
          runs: v.number(),
          maxDifference: v.number(),
          tolerance: v.number(),
          /** Version of onnxruntime that made it. */
          runtime: v.string(),
        }),
      ),
    }),
  ),
  /** What the task needs to know besides the graphs (labels, preprocessing, …); the task parses it. */
  settings: v.record(v.string(), v.unknown()),
  /** Files that the task reads when the model is loaded: a tokenizer, a catalogue. */
  resources: v.optional(v.array(relativePath), []),
  /** How many rows may run together. */
  maxBatch: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 32),
  /** What is run after loading, before the first request: recorded inputs, or zeros of these sizes when there are none. */
  warmup: v.optional(
    v.object({
      /** Size of each variable dimension of the zeros; 1 when left out. */
      dimensions: v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(0))),
      /** Files of the bundle, each an input as a caller would send it. */
      inputs: v.array(relativePath),
    }),
    { dimensions: {}, inputs: [] },
  ),
  /** Where the model came from, for people. */
  source: v.string(),
  created: v.string(),
});

/** What a version is: written last at push, so that a version without it does not exist. */
export type Bundle = v.InferOutput<typeof bundleSchema>;
/** A bundle as it is written: what has a default may be left out. */
export type BundleDocument = v.InferInput<typeof bundleSchema>;
export type BundleFile = Bundle['files'][number];
export type BundleGraph = Bundle['graphs'][string];

/** A bundle as it was read: `digest` is the sha256 of its bytes and so names everything it refers to. */
export interface PublishedBundle extends Bundle {
  readonly digest: string;
}

/** `at key: what is wrong`, of the first issue. */
export const describeIssue = (issues: readonly v.BaseIssue<unknown>[]): string => {
  const [issue] = issues;
  return issue ? `${v.getDotPath(issue) ?? 'the document'}: ${issue.message}` : 'unknown';
};

/** @throws `MODEL_INVALID` naming the field. */
export const parseBundle = (bytes: Uint8Array, origin: string): PublishedBundle => {
  const parsed = v.safeParse(bundleSchema, parseJson(bytes, origin));
  if (!parsed.success) throw new ServingError('MODEL_INVALID', `${origin}: ${describeIssue(parsed.issues)}`);
  const known = new Set(parsed.output.files.map((file) => file.path));
  const { graphs, resources, warmup } = parsed.output;
  const named = Object.values(graphs).flatMap(({ file, externalData, baked }) => [
    file,
    ...externalData,
    ...(baked ? [baked.from] : []),
  ]);
  for (const path of [...named, ...resources, ...warmup.inputs])
    if (!known.has(path)) throw new ServingError('MODEL_INVALID', `${origin}: ${path} is not among the files`);
  return { ...parsed.output, digest: createHash('sha256').update(bytes).digest('hex') };
};

/** @throws `MODEL_INVALID` when `bytes` are not JSON. */
export const parseJson = (bytes: Uint8Array, origin: string): unknown => {
  try {
    return JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    throw new ServingError('MODEL_INVALID', `${origin} is not JSON`, { cause: error });
  }
};
