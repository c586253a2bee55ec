import { refuse } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';
import { type ModelSource, readSettingsFile } from './model-source.ts';

export type Settings = Readonly<Record<string, unknown>>;

/** A JSON file that the task needs. @throws `MODEL_INVALID` naming its `content` */
export const requireSettingsFile = async (source: ModelSource, name: string, content: string): Promise<Settings> =>
  (await readSettingsFile(source, name)) ??
  refuse('MODEL_INVALID', `${source.directory} has no ${name} (${content}), which its task needs`);

/** Most classes that `num_labels` may count: more than any vocabulary of labels. */
const MOST_LABELS = 1_000_000;

/**
 * `LABEL_0`, `LABEL_1`, …: transformers writes `id2label` only where it differs from them. Without `num_labels` they are two.
 * @throws `MODEL_INVALID` when `num_labels` is no number of classes
 */
const defaultLabels = ({ num_labels: count = 2 }: Settings): string[] =>
  typeof count === 'number' && Number.isInteger(count) && count > 0 && count <= MOST_LABELS
    ? Array.from({ length: count }, (_, index) => `LABEL_${index}`)
    : refuse('MODEL_INVALID', `"num_labels" in config.json is ${show(count)}, expected the number of classes`);

/**
 * `id2label` of config.json, an object by index or a list, as a list of texts, or the labels that transformers gives without it.
 * @throws `MODEL_INVALID` when a class has no label
 */
export const readLabels = (config: Settings): string[] => {
  const { id2label } = config;
  if (id2label === undefined || id2label === null) return defaultLabels(config);
  if (!isObject(id2label) && !Array.isArray(id2label))
    return refuse(
      'MODEL_INVALID',
      `"id2label" in config.json is ${show(id2label)}, expected the names of the classes: {"id2label": {"0": "cat", "1": "dog"}}`,
    );
  const byIndex = new Map(Object.entries(id2label));
  return Array.from({ length: byIndex.size }, (_, index) => {
    const label: unknown = byIndex.get(String(index));
    if (typeof label === 'string') return label;
    if (typeof label === 'number' || typeof label === 'boolean') return String(label);
    return refuse('MODEL_INVALID', `"id2label" in config.json has no label for class ${index}`);
  });
};
