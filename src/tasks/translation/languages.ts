import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';

const tokens = v.record(v.string(), v.string());

/** How a model is told which languages it translates between; one that is told nothing translates one pair. */
export const languagesSchema = v.variant('by', [
  /** A token around the source text, and one that the translation begins with: M2M100, NLLB. */
  v.object({
    by: v.literal('token'),
    /** By language code. */
    tokens,
    /** Taken when the caller names none. */
    source: v.optional(v.string()),
    target: v.optional(v.string()),
    /** Whether the source's token stands behind the text, as NLLB's `legacy_behaviour` has it. */
    behind: v.optional(v.boolean(), false),
  }),
  /** A word before the source text that names the target, such as `>>fra<<`: multilingual Marian. */
  v.object({ by: v.literal('marker'), tokens }),
  /** A sentence before the source text, with settings of its own: T5's `task_specific_params`, by `<source>_to_<target>`. */
  v.object({
    by: v.literal('prefix'),
    pairs: v.record(v.string(), v.object({ prefix: v.string(), generation: v.record(v.string(), v.unknown()) })),
  }),
]);

export type Languages = v.InferOutput<typeof languagesSchema>;

/** What a caller's choice of languages means for the model. */
export interface Direction {
  /** Stands before each text. */
  readonly prefix: string;
  readonly sourceToken?: string;
  readonly targetToken?: string;
  /** Of T5: which of its pairs. */
  readonly pair?: string;
}

type Parameters = Readonly<Record<string, unknown>>;
type ByToken = Extract<Languages, { by: 'token' }>;

/** Codes that a message names; NLLB has two hundred. */
const NAMED_CODES = 24;

const refuse = (problem: string): never => {
  throw new ServingError('INVALID_REQUEST', problem);
};

/** `codes` as a message names them: all of them, or those that look like `wanted` before others. */
const nameCodes = (codes: readonly string[], wanted: string): string => {
  const start = wanted.slice(0, 2).toLowerCase();
  const near = codes.filter((code) => code.toLowerCase().startsWith(start));
  const named = [...new Set([...near, ...codes])].slice(0, NAMED_CODES);
  const more = codes.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
};

const readCode = (
  parameters: Parameters,
  name: 'src_lang' | 'tgt_lang',
  codes: readonly string[],
  fallback?: string,
): string => {
  const code = parameters[name] ?? fallback;
  if (code === undefined) return refuse(`parameter "${name}" is missing; this model takes ${nameCodes(codes, '')}`);
  if (typeof code === 'string' && codes.includes(code)) return code;
  return refuse(`parameter "${name}" is ${show(code)}; this model takes ${nameCodes(codes, String(code))}`);
};

const readTokens = (parameters: Parameters, { tokens: byCode, source, target }: ByToken): Direction => {
  const codes = Object.keys(byCode);
  const sourceToken = byCode[readCode(parameters, 'src_lang', codes, source)] as string;
  const targetToken = byCode[readCode(parameters, 'tgt_lang', codes, target)] as string;
  return { prefix: '', sourceToken, targetToken };
};

const readPair = (
  { src_lang: source, tgt_lang: target }: Parameters,
  pairs: Extract<Languages, { by: 'prefix' }>['pairs'],
): Direction => {
  const names = Object.keys(pairs);
  const [only, ...others] = names;
  const isAsked = source !== undefined || target !== undefined;
  // Texts that come without languages are taken as they are: callers of T5 write the prefix themselves.
  if (!isAsked && (only === undefined || others.length > 0)) return { prefix: '' };
  const pair = isAsked ? `${String(source)}_to_${String(target)}` : String(only);
  if (!Object.hasOwn(pairs, pair))
    return refuse(
      `parameters "src_lang" and "tgt_lang" are ${show(source ?? null)} and ${show(target ?? null)}; this model takes ${nameCodes(names, pair).replaceAll('_to_', ' to ')}`,
    );
  return { prefix: pairs[pair]?.prefix ?? '', pair };
};

/** @throws `INVALID_REQUEST` for languages that the model does not know, or is not to be told */
export const readDirection = (parameters: Parameters, languages: Languages | undefined): Direction => {
  if (languages?.by === 'token') return readTokens(parameters, languages);
  if (languages?.by === 'prefix') return readPair(parameters, languages.pairs);
  const source = parameters.src_lang;
  if (source !== undefined)
    refuse(
      `parameter "src_lang" is ${show(source)}, and this model translates from what it was trained on; leave it out`,
    );
  if (parameters.tgt_lang === undefined) return { prefix: '' };
  if (languages === undefined)
    return refuse(
      `parameter "tgt_lang" is ${show(parameters.tgt_lang)}, and this model translates one pair; leave it out`,
    );
  const code = readCode(parameters, 'tgt_lang', Object.keys(languages.tokens));
  return { prefix: `${languages.tokens[code]} ` };
};

/** A direction that the model takes, for its plainest request. */
export const blankDirection = (languages: Languages | undefined): Direction => {
  if (languages?.by !== 'token') return { prefix: '' };
  const [code] = Object.keys(languages.tokens);
  return readTokens({ src_lang: languages.source ?? code, tgt_lang: languages.target ?? code }, languages);
};

/** The word at the start of a text that names the target, whether the model knows it or not. */
const MARKER = /^>>.*?<</s;

/** @throws `INVALID_INPUT` when the text asks for a language that the model does not know */
export const assertKnownMarker = (text: string, name: string, languages: Languages | undefined): void => {
  const [marker] = MARKER.exec(text) ?? [];
  if (languages?.by !== 'marker' || marker === undefined) return;
  if (!Object.values(languages.tokens).includes(marker))
    throw new ServingError(
      'INVALID_INPUT',
      `${name} begins with ${show(marker)}; this model takes ${nameCodes(Object.keys(languages.tokens), marker.slice(2))}, written as >>code<<, or as the parameter "tgt_lang"`,
    );
};
