import { refuse } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { type ModelSource, readSettingsFile } from './model-source.ts';

export type Settings = Readonly<Record<string, unknown>>;

/** @throws `MODEL_INVALID` */
/** A JSON file that the task needs. @throws `MODEL_INVALID` naming its `content` */
export const requireSettingsFile = async (source: ModelSource, name: string, content: string): Promise<Settings> =>
  (await readSettingsFile(source, name)) ??
  refuse('MODEL_INVALID', `${source.directory} has no ${name} (${content}), which its task needs`);

/** `id2label` of config.json as a list. @throws `MODEL_INVALID` when a class has no label */
export const readLabels = (config: Settings): string[] => {
  const { id2label } = config;
  if (!isObject(id2label))
    return refuse(
      'MODEL_INVALID',
      'config.json has no "id2label", which names the classes: {"id2label": {"0": "cat", "1": "dog"}}',
    );
  const byIndex = new Map(Object.entries(id2label));
  return Array.from({ length: byIndex.size }, (_, index) => {
    const label = byIndex.get(String(index));
    return typeof label === 'string'
      ? label
      : refuse('MODEL_INVALID', `"id2label" in config.json has no label for class ${index}`);
  });
};
