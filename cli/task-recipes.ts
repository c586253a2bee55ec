import { ServingError } from '../src/core/errors.ts';
import {
  allocate,
  elementCount,
  formatSpec,
  type Signature,
  type Tensor,
  type TensorSpec,
} from '../src/core/tensor.ts';
import type { Session } from '../src/engine/session.ts';
import type { PublishedBundle } from '../src/repository/bundle.ts';
import { createTask, type TaskName } from '../src/serving/tasks.ts';
import { type ModelSource, readSettingsFile } from './model-source.ts';

/** Sizes of symbolic dimensions by name; those that are not named are 1. */
export type Dimensions = Readonly<Record<string, number>>;

/** What `push` needs to know of a task. */
interface TaskRecipe {
  /** Files that the settings are read from; they become part of the version. */
  readonly files: readonly string[];
  /** What the task's own code parses when it serves. @throws `MODEL_INVALID` */
  readSettings(source: ModelSource): Promise<Record<string, unknown>>;
  /** Runs the model once, as a request would. @throws what makes it impossible to serve */
  tryOut(session: Session, candidate: PublishedBundle, dimensions: Dimensions): Promise<void>;
}

const refuse = (problem: string): never => {
  throw new ServingError('MODEL_INVALID', problem);
};

const symbolicNames = ({ inputs }: Signature): Set<string> =>
  new Set(inputs.flatMap(({ shape }) => shape.filter((size) => typeof size === 'string' && size !== '')) as string[]);

const zeros = (signature: Signature, dimensions: Dimensions): Record<string, Tensor> => {
  const known = symbolicNames(signature);
  for (const name of Object.keys(dimensions))
    if (!known.has(name))
      throw new ServingError(
        'INVALID_REQUEST',
        `no input has a dimension "${name}"; variable are: ${[...known].join(', ') || 'none'}`,
      );
  return Object.fromEntries(
    signature.inputs.map(({ name, dtype, shape: dimensionsOfInput }) => {
      const shape = dimensionsOfInput.map((size) => (typeof size === 'number' ? size : (dimensions[size] ?? 1)));
      return [name, { dtype, shape, data: allocate(dtype, elementCount(shape)) } as Tensor];
    }),
  );
};

/** Every input has to be sent; outputs can be chosen, so that one of them is enough. */
const assertJsonCanCarry = ({ inputs, outputs }: Signature): void => {
  const isHalf = ({ dtype }: TensorSpec): boolean => dtype === 'float16';
  if (!inputs.some(isHalf) && !outputs.every(isHalf)) return;
  const halves = [...inputs, ...outputs].filter(isHalf).map((spec) => `"${spec.name}" ${formatSpec(spec)}`);
  refuse(
    `${halves.join(', ')}: float16 has no form in JSON; export the model with float32 inputs and outputs (its weights may stay float16)`,
  );
};

const tensor: TaskRecipe = {
  files: [],
  readSettings: async () => ({}),
  async tryOut(session, _candidate, dimensions) {
    assertJsonCanCarry(session.signature);
    try {
      await session.run(zeros(session.signature, dimensions));
    } catch (error) {
      const failure = ServingError.from(error);
      if (failure.code !== 'INFERENCE_FAILED') throw failure;
      const variable = [...symbolicNames(session.signature)].map((name) => `${name}=${dimensions[name] ?? 1}`);
      const sizes =
        variable.length === 0
          ? ''
          : ` with ${variable.join(', ')}; other sizes are tried with --dimension <name>=<size>`;
      throw new ServingError('MODEL_INVALID', `it failed on zeros${sizes}: ${failure.message}`, { cause: error });
    }
  },
};

/** A picture of one black pixel; preprocessing makes of it what the graph takes. */
const BLACK_PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGNgYGAAAAAEAAH2FzhVAAAAAElFTkSuQmCC',
  'base64',
);
/** The most that the task takes; ImageNet-21k has 21,843 classes. */
const ALL_LABELS = 100_000;

/** `id2label` as a list. @throws `MODEL_INVALID` when a class has no label */
const readLabels = (config: Readonly<Record<string, unknown>>): string[] => {
  const { id2label } = config;
  if (typeof id2label !== 'object' || id2label === null)
    return refuse('config.json has no "id2label", which names the classes: {"id2label": {"0": "cat", "1": "dog"}}');
  const byIndex = new Map(Object.entries(id2label));
  return Array.from({ length: byIndex.size }, (_, index) => {
    const label: unknown = byIndex.get(String(index));
    return typeof label === 'string' ? label : refuse(`"id2label" in config.json has no label for class ${index}`);
  });
};

const imageClassification: TaskRecipe = {
  files: ['config.json', 'preprocessor_config.json'],

  async readSettings(source) {
    const missing = (name: string, what: string): never =>
      refuse(`${source.directory} has no ${name} (${what}): the task image-classification needs it`);
    const config = (await readSettingsFile(source, 'config.json')) ?? missing('config.json', 'the labels');
    const preprocessing =
      (await readSettingsFile(source, 'preprocessor_config.json')) ??
      missing('preprocessor_config.json', 'how pictures become tensors');
    return {
      labels: readLabels(config),
      multiLabel: config.problem_type === 'multi_label_classification',
      preprocessing,
    };
  },

  async tryOut(session, candidate, dimensions) {
    if (Object.keys(dimensions).length > 0)
      throw new ServingError(
        'INVALID_REQUEST',
        '--dimension is for the task tensor: here preprocessing gives the sizes',
      );
    const task = createTask(candidate);
    const request = task.decode({ inputs: BLACK_PNG, contentType: 'image/png', parameters: { top_k: ALL_LABELS } });
    const [outcome] = await task.predict([request], session, () => {});
    if (outcome?.status !== 'fulfilled') throw outcome?.reason;
    const classes = (outcome.value as unknown[]).length;
    const labels = (candidate.settings.labels as unknown[]).length;
    if (classes !== labels) refuse(`the graph has ${classes} classes, "id2label" in config.json names ${labels}`);
  },
};

/** `Record` makes the compiler ask for the recipe of every new task. */
export const RECIPES: Record<TaskName, TaskRecipe> = { tensor, 'image-classification': imageClassification };
