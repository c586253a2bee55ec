import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isObject } from '../core/is-object.ts';
import { type ModelSource, readSettingsFile } from './model-source.ts';
import type { Settings } from './settings-file.ts';

/** The chat templates of a model by name, `default` among them, and the texts of its special tokens. */
export interface ChatSource {
  readonly templates: Readonly<Record<string, string>>;
  readonly tokens: Readonly<Record<string, string>>;
}

const readText = async ({ directory }: ModelSource, path: string): Promise<string | undefined> => {
  try {
    return await readFile(join(directory, path), 'utf8');
  } catch {
    return undefined; // a folder without the file
  }
};

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
  const text = await readText(source, 'chat_template.jinja');
  const found = [text, processor.chat_template, config.chat_template].find((value) => value !== undefined);
  const templates = templatesIn(found);
  if (Object.keys(templates).length === 0) return undefined;
  return { templates, tokens: { ...tokensIn(special), ...tokensIn(config) } };
};
