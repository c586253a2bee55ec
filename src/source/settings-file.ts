import { ServingError } from '../core/errors.ts';
import { type ModelSource, readSettingsFile } from './model-source.ts';

export type Settings = Readonly<Record<string, unknown>>;

export const refuse = (problem: string): never => {
  throw new ServingError('MODEL_INVALID', problem);
};

/** A JSON file that the task cannot do without. @throws `MODEL_INVALID` saying `what` it holds */
export const requireSettingsFile = async (source: ModelSource, name: string, what: string): Promise<Settings> =>
  (await readSettingsFile(source, name)) ??
  refuse(`${source.directory} has no ${name} (${what}), which its task needs`);

/** `id2label` of config.json as a list. @throws `MODEL_INVALID` when a class has no label */
export const readLabels = (config: Settings): string[] => {
  const { id2label } = config;
  if (typeof id2label !== 'object' || id2label === null)
    return refuse('config.json has no "id2label", which names the classes: {"id2label": {"0": "cat", "1": "dog"}}');
  const byIndex = new Map(Object.entries(id2label));
  return Array.from({ length: byIndex.size }, (_, index) => {
    const label: unknown = byIndex.get(String(index));
    return typeof label === 'string' ? label : refuse(`"id2label" in config.json has no label for class ${index}`);
  });
};
