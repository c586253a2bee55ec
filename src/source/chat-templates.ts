import { isObject } from '../core/is-object.ts';
import { type ModelSource, readSettingsFile, readTextFile } from './model-source.ts';
import type { Settings } from './settings-file.ts';

/** The file of a template, which goes before the others. */
export const CHAT_TEMPLATE = 'chat_template.jinja';

/** The chat templates of a model by name, `default` among them, and the texts of its special tokens. */
export interface ChatSource {
  readonly templates: Readonly<Record<string, string>>;
  readonly tokens: Readonly<Record<string, string>>;
}

/** A template, or a list of templates with names, as tokenizer_config.json has it. */
const templatesIn = (value: unknown): Record<string, string> => {
  if (typeof value === 'string') return { default: value };
  if (!Array.isArray(value)) return {};
  const named = value.filter((each) => isObject(each) && typeof each.template === 'string');
  return Object.fromEntries(named.map(({ name, template }) => [String(name), template]));
};

/** Texts of the settings whose name ends in `_token`. */
const tokensIn = (settings: Settings): Record<string, string> =>
  Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]): [string, string][] => {
      const text = isObject(value) ? value.content : value;
      return name.endsWith('_token') && typeof text === 'string' ? [[name, text]] : [];
    }),
  );

/**
 * Reads chat_template.jinja, chat_template.json or the templates in tokenizer_config.json, the first that is there, as transformers does.
 * Undefined for a model without a template.
 */
export const readChatTemplates = async (source: ModelSource): Promise<ChatSource | undefined> => {
  const config = (await readSettingsFile(source, 'tokenizer_config.json')) ?? {};
  const special = (await readSettingsFile(source, 'special_tokens_map.json')) ?? {};
  const processor = (await readSettingsFile(source, 'chat_template.json')) ?? {};
  const text = await readTextFile(source, CHAT_TEMPLATE);
  const found = [text, processor.chat_template, config.chat_template].find((value) => value !== undefined);
  const templates = templatesIn(found);
  if (Object.keys(templates).length === 0) return undefined;
  return { templates, tokens: { ...tokensIn(special), ...tokensIn(config) } };
};
