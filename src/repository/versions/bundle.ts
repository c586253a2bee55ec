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
  v.object({
    name: v.string(),
    dtype: v.picklist(DTYPES),
    shape: v.array(v.union([v.number(), v.string()])),
    /** The value of an input that a caller may leave out; its data as JSON text. */
    default: v.exactOptional(v.object({ shape: v.array(v.number()), data: v.string() })),
    /** Tables in which the graph looks up the elements of an input. */
    lookups: v.exactOptional(
      v.array(
        v.object({
          sizes: v.array(v.union([v.number(), v.object({ input: v.string(), axis: v.number() })])),
          fromEnd: v.boolean(),
          linear: v.exactOptional(v.object({ factor: v.number(), offset: v.number() })),
          computedFor: v.exactOptional(v.string()),
        }),
      ),
    ),
  }),
);

const bundleSchema = v.object({
  formatVersion: v.literal(1),
  name: v.string(),
  version: v.pipe(v.number(), v.integer(), v.minValue(1)),
  task: v.string(),
  /** Every file of the version. A file is trusted only when it matches its sha256. */
  files: v.array(
    v.object({
      path: relativePath,
      bytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
      sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
    }),
  ),
  /** ONNX graphs by role; most tasks have one graph, `model`. */
  graphs: v.record(
    v.string(),
    v.object({
      file: relativePath,
      /** Files with weights, which `file` names relative to itself. */
      externalData: v.array(relativePath),
      signature: v.object({ inputs: specs, outputs: specs }),
      /** Duration of the session's creation at push, in milliseconds. */
      createMs: v.number(),
      /** Origin of a `file` that push made to load faster. Differences of outputs are absolute up to 1, and relative above. */
      baked: v.optional(
        v.object({
          from: relativePath,
          /** Number of runs that were compared. */
          runs: v.number(),
          maxDifference: v.number(),
          tolerance: v.number(),
          /** Version of the onnxruntime that made `file`. */
          runtime: v.string(),
        }),
      ),
    }),
  ),
  /** Settings of the task (labels, preprocessing, …), which the task parses. */
  settings: v.record(v.string(), v.unknown()),
  /** Files besides graphs that the task reads when the model is loaded: a tokenizer, a catalogue. */
  resources: v.optional(v.array(relativePath), []),
  /** Most rows that may run together. */
  maxBatch: v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)), 32),
  /** Inputs that run after loading, before the first request: recorded ones, or a made-up one when there are none. */
  warmup: v.optional(
    v.object({
      /** The elements of the input that is made up where there are no recorded ones. */
      value: v.optional(v.picklist([0, 1]), 0),
      /** Sizes of its variable dimensions, by name or `<input>:<axis>`; 1 for a dimension that is left out. */
      dimensions: v.record(v.string(), v.pipe(v.number(), v.integer(), v.minValue(0))),
      /** Paths of files of the bundle, each an input as a caller sends it. */
      inputs: v.array(relativePath),
    }),
    { value: 0, dimensions: {}, inputs: [] },
  ),
  /** Measurements of the trial run at push; older versions have none. */
  trialRun: v.optional(
    v.object({
      /** Peak memory of the process that loaded and ran the model. */
      peakMemoryBytes: v.pipe(v.number(), v.integer(), v.minValue(0)),
    }),
  ),
  /** Origin of the model, for people. */
  source: v.string(),
  created: v.string(),
});

/** The document `bundle.json`, which describes a version. Push writes it last: a version without it does not exist. */
export type Bundle = v.InferOutput<typeof bundleSchema>;
/** A bundle before it is parsed: fields with a default may be left out. */
export type BundleDocument = v.InferInput<typeof bundleSchema>;
export type BundleFile = Bundle['files'][number];
export type BundleGraph = Bundle['graphs'][string];

/** A bundle that was read. `digest` is the sha256 of its bytes, in lower-case hexadecimal: it identifies the version and all its files. */
export interface PublishedBundle extends Bundle {
  readonly digest: string;
}

/** The first issue as `<path of the field>: <problem>`. */
export const describeIssue = (issues: readonly v.BaseIssue<unknown>[]): string => {
  const [issue] = issues;
  return issue ? `${v.getDotPath(issue) ?? 'the document'}: ${issue.message}` : 'unknown';
};

/** @throws `MODEL_INVALID` naming the field, or a path that is not among the files. `origin` names the document in messages. */
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
