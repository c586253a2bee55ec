import { firstSignature, tensorSignature } from '../protocol/open-inference/tensor-names.ts';
import { fileKey } from '../repository/keys.ts';
import { type ModelRepository, unlessMissing } from '../repository/model-repository.ts';
import { targetsOf } from '../repository/routing/routing.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import type { Clients } from '../tasks/client-defaults.ts';
import { inputsOf, type ModelFacts, type TaskInputs } from './task-inputs.ts';
import { blanksOf } from './tensors.ts';

/** The version of a model that answers, as its callers see it. */
export interface DescribedModel extends ModelFacts {
  readonly name: string;
  readonly version: number;
  readonly inputs: TaskInputs;
  readonly maxBatch: number;
  /** The clients whose shape its answers have. */
  readonly clients: Clients;
  readonly created: string;
  /** Inputs that were recorded when the version was pushed, by their media types: text, or the value of JSON. */
  readonly examples: Readonly<Record<string, unknown>>;
}

/** A larger example would hide the document around it. */
const MAX_EXAMPLE_BYTES = 16_384;
const MEDIA_TYPES: Readonly<Record<string, string>> = {
  json: 'application/json',
  txt: 'text/plain',
  csv: 'text/csv',
};

/** The first recorded input of each media type that a document can hold. */
const readExamples = async (
  { store }: ModelRepository,
  { name, version, warmup, files }: PublishedBundle,
): Promise<DescribedModel['examples']> => {
  const sizes = new Map(files.map(({ path, bytes }) => [path, bytes]));
  const examples: Record<string, unknown> = {};
  for (const path of warmup.inputs) {
    const mediaType = MEDIA_TYPES[path.slice(path.lastIndexOf('.') + 1)];
    if (mediaType === undefined || mediaType in examples || (sizes.get(path) ?? 0) > MAX_EXAMPLE_BYTES) continue;
    const { body } = await store.read(fileKey(name, version, path), MAX_EXAMPLE_BYTES);
    const text = Buffer.from(body).toString();
    examples[mediaType] = mediaType === 'application/json' ? JSON.parse(text) : text;
  }
  return examples;
};

/**
 * The model as it answers now; undefined before its first push has ended.
 * @throws `MODEL_INVALID`, `MODEL_UNAVAILABLE`, and any error of settings that its task does not take
 */
export const describeModel = async (
  repository: ModelRepository,
  name: string,
  clients: Clients = 'python',
): Promise<DescribedModel | undefined> => {
  const document = await unlessMissing(repository.routing(name));
  if (document === undefined) return undefined;
  const { stable } = targetsOf(document.routing);
  const bundle = await repository.bundle(name, stable);
  const { version, task, settings, maxBatch, created, graphs, warmup } = bundle;
  const facts: ModelFacts = {
    ...{ task, settings, signature: tensorSignature(graphs) },
    blanks: blanksOf(task, firstSignature(graphs), warmup),
  };
  const examples = await readExamples(repository, bundle);
  return { name, version, ...facts, inputs: inputsOf(facts), maxBatch, clients, created, examples };
};
