import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { type Fields, refuseField } from './fields.ts';

interface Tool {
  readonly function: { readonly name: string; readonly parameters?: unknown };
}

/** The functions of a request. */
export interface Tools {
  /** Functions that the template tells the model; undefined for none. */
  readonly tools: readonly Tool[] | undefined;
  /** The answer must call one of these; empty where the model may choose. */
  readonly forced: readonly Tool[];
}

const isTool = (tool: unknown): tool is Tool =>
  isObject(tool) &&
  tool.type === 'function' &&
  isObject(tool.function) &&
  typeof tool.function.name === 'string' &&
  tool.function.name !== '';

/** huggingface_hub has no `type` in its choice of a function. */
const nameOf = (choice: unknown): unknown =>
  isObject(choice) && (choice.type ?? 'function') === 'function' && isObject(choice.function)
    ? choice.function.name
    : undefined;

/** @throws `INVALID_REQUEST` for a choice that no function fulfils */
const readForced = (choice: unknown, tools: readonly Tool[]): readonly Tool[] => {
  if (choice === 'auto') return [];
  if (choice === 'required') return tools.length > 0 ? tools : refuseField('tool_choice', choice, '"tools" beside it');
  const name = nameOf(choice);
  if (name === undefined)
    return refuseField(
      'tool_choice',
      choice,
      '"auto", "none", "required" or {"type": "function", "function": {"name": "…"}}',
    );
  const named = tools.filter((tool) => tool.function.name === name);
  const names = tools.map((tool) => show(tool.function.name)).join(', ') || 'none';
  return named.length > 0 ? named : refuseField('tool_choice', choice, `a function of "tools", which has ${names}`);
};

/** The model decides how many functions it calls, whatever `parallel_tool_calls` says. @throws `INVALID_REQUEST` */
export const readTools = ({
  tools = [],
  tool_choice: choice = 'auto',
  parallel_tool_calls: parallel = true,
}: Fields): Tools => {
  if (typeof parallel !== 'boolean') refuseField('parallel_tool_calls', parallel, 'true or false');
  if (!Array.isArray(tools) || !tools.every(isTool))
    return refuseField('tools', tools, '[{"type": "function", "function": {"name": "…", "parameters": {…}}}, …]');
  if (choice === 'none') return { tools: undefined, forced: [] };
  const forced = readForced(choice, tools);
  return { tools: tools.length === 0 ? undefined : tools, forced };
};

const EXPECTED =
  '{"type": "text"}, {"type": "json_object"} or {"type": "json_schema", "json_schema": {"name": "…", "schema": {…}}}';

/** The schema beside `type`: TGI's `value`, to which huggingface_hub turns a `json_schema`, or llama.cpp's `schema`. */
const besideType = ({ value, schema }: Fields): unknown => value ?? schema ?? undefined;

/** The JSON schema of an answer; undefined for any text. */
const readSchema = ({ response_format: format }: Fields): unknown => {
  if (format === undefined) return undefined;
  const given: Fields = isObject(format) ? format : {};
  const { type, json_schema: described } = given;
  if (type === 'text') return undefined;
  if (type === 'json_object') return besideType(given) ?? { type: 'object' };
  if (type === 'json') return besideType(given) ?? refuseField('response_format', format, EXPECTED);
  const schema = type === 'json_schema' && isObject(described) ? described.schema : undefined;
  return schema ?? refuseField('response_format', format, EXPECTED);
};

/**
 * The parameter of the task text-generation for `response_format` and `tool_choice`: no answer but JSON of the schema, or a call. An answer of
 * a schema may be a call in its place, where the model may choose.
 * @throws `INVALID_REQUEST`
 */
export const readGrammar = (
  fields: Fields,
  { tools = [], forced }: Tools = { tools: undefined, forced: [] },
): Fields => {
  const schema = readSchema(fields);
  const isForced = forced.length > 0;
  if (!isForced && schema === undefined) return {};
  const calls = (isForced ? forced : tools).map(({ function: { name, parameters } }) => ({ name, parameters }));
  return { grammar: { type: 'json', ...(!isForced && { value: schema }), ...(calls.length > 0 && { calls }) } };
};
