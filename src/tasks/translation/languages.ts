import { refuse, ServingError } from '../../core/errors.ts';
import { show } from '../../core/show.ts';
import type { Parameters } from '../parameters.ts';
import type { Languages } from './settings.ts';

/** The languages of a request, in the words of the model. */
export interface Direction {
  /** Put before each text. */
  readonly prefix: string;
  readonly sourceToken?: string;
  readonly targetToken?: string;
  /** Key of a T5 model's language pair. */
  readonly pair?: string;
}

type ByToken = Extract<Languages, { by: 'token' }>;

/** Most codes in a message; NLLB has two hundred. */
const NAMED_CODES = 24;

const refuseParameter = (problem: string): never => refuse('INVALID_REQUEST', problem);

/** The codes for a message: codes that look like `wanted` before others, at most `NAMED_CODES` of them. */
const nameCodes = (codes: readonly string[], wanted: string): string => {
  const start = wanted.slice(0, 2).toLowerCase();
  const near = codes.filter((code) => code.toLowerCase().startsWith(start));
  const named = [...new Set([...near, ...codes])].slice(0, NAMED_CODES);
  const more = codes.length - named.length;
  return named.join(', ') + (more > 0 ? ` and ${more} more` : '');
};

/** The token of a language. @throws `INVALID_REQUEST` for a language that the model does not know */
const readLanguage = (
  parameters: Parameters,
  name: 'src_lang' | 'tgt_lang',
  byCode: Readonly<Record<string, string>>,
  fallback?: string,
): string => {
  const code = parameters[name] ?? fallback;
  const codes = Object.keys(byCode);
  if (code === undefined)
    return refuseParameter(`parameter "${name}" is missing; this model takes ${nameCodes(codes, '')}`);
  const token = typeof code === 'string' && Object.hasOwn(byCode, code) ? byCode[code] : undefined;
  return (
    token ?? refuseParameter(`parameter "${name}" is ${show(code)}; this model takes ${nameCodes(codes, String(code))}`)
  );
};

const readTokens = (parameters: Parameters, { tokens, source, target }: ByToken): Direction => ({
  prefix: '',
  sourceToken: readLanguage(parameters, 'src_lang', tokens, source),
  targetToken: readLanguage(parameters, 'tgt_lang', tokens, target),
});

const readPair = (
  { src_lang, tgt_lang }: Parameters,
  pairs: Extract<Languages, { by: 'prefix' }>['pairs'],
): Direction => {
  const [source, target] = [src_lang ?? undefined, tgt_lang ?? undefined];
  const names = Object.keys(pairs);
  const [only, ...others] = names;
  const isAsked = source !== undefined || target !== undefined;
  // Texts without languages stay as they are: callers of T5 write the prefix themselves.
  if (!isAsked && (only === undefined || others.length > 0)) return { prefix: '' };
  const pair = isAsked ? `${String(source)}_to_${String(target)}` : String(only);
  if (!Object.hasOwn(pairs, pair))
    return refuseParameter(
      `parameters "src_lang" and "tgt_lang" are ${show(source ?? null)} and ${show(target ?? null)}; this model ` +
        `takes ${nameCodes(names, pair).replaceAll('_to_', ' to ')}`,
    );
  return { prefix: pairs[pair]?.prefix ?? '', pair };
};

/** @throws `INVALID_REQUEST` for languages that the model does not know, or that a caller may not choose */
export const readDirection = (parameters: Parameters, languages: Languages | undefined): Direction => {
  if (languages?.by === 'token') return readTokens(parameters, languages);
  if (languages?.by === 'prefix') return readPair(parameters, languages.pairs);
  const [source, target] = [parameters.src_lang ?? undefined, parameters.tgt_lang ?? undefined];
  if (source !== undefined)
    refuseParameter(
      `parameter "src_lang" is ${show(source)}, and the source language of this model is fixed; leave it out`,
    );
  if (target === undefined) return { prefix: '' };
  if (languages === undefined)
    return refuseParameter(`parameter "tgt_lang" is ${show(target)}, and this model translates one pair; leave it out`);
  return { prefix: `${readLanguage(parameters, 'tgt_lang', languages.tokens)} ` };
};

/** The direction of a blank request. */
export const blankDirection = (languages: Languages | undefined): Direction => {
  if (languages?.by !== 'token') return { prefix: '' };
  const [code] = Object.keys(languages.tokens);
  return readTokens({ src_lang: languages.source ?? code, tgt_lang: languages.target ?? code }, languages);
};

/** A word at the start of a text that names a target. */
const MARKER = /^>>.*?<</s;

/** @throws `INVALID_INPUT` when the text begins with a marker that the model does not know */
export const assertKnownMarker = (text: string, name: string, languages: Languages | undefined): void => {
  const [marker] = MARKER.exec(text) ?? [];
  if (languages?.by !== 'marker' || marker === undefined) return;
  if (!Object.values(languages.tokens).includes(marker))
    throw new ServingError(
      'INVALID_INPUT',
      `${name} begins with ${show(marker)}; this model takes ` +
        `${nameCodes(Object.keys(languages.tokens), marker.slice(2))}, written as >>code<<, or as the parameter ` +
        '"tgt_lang"',
    );
};
