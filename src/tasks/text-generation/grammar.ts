import { refuse } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import { show } from '../../core/show.ts';
import { createGrammars, type Grammars } from '../../generation/grammar/grammars.ts';
import { type CallSchema, toGrammar } from '../../generation/grammar/schema-grammar.ts';
import type { Tokenizer } from '../../media/text/tokenizer.ts';
import type { Parameters } from '../parameters.ts';

const EXPECTED = '{"type": "json", "value": {a JSON schema}}';

const isCall = (value: unknown): value is CallSchema => isObject(value) && typeof value.name === 'string';

/**
 * Reads the parameter `grammar`: `{"type": "json", "value": schema}` as Hugging Face's server has it, and with `calls` in the place of
 * `value`, or beside it, the functions that the answer may call.
 * @returns the grammar in EBNF; undefined for none
 * @throws `INVALID_REQUEST`
 */
export const readGrammar = ({ grammar }: Parameters): string | undefined => {
  if (grammar === undefined) return undefined;
  if (!isObject(grammar) || grammar.type !== 'json')
    return refuse('INVALID_REQUEST', `parameter "grammar" is ${show(grammar)}, expected ${EXPECTED}`);
  const { value, calls = [] } = grammar;
  if (!Array.isArray(calls) || !calls.every(isCall) || (value === undefined && calls.length === 0))
    return refuse('INVALID_REQUEST', `parameter "grammar" is ${show(grammar)}, expected ${EXPECTED}`);
  return toGrammar(value === undefined ? [] : [value], calls);
};

/** The grammars of a model. `ends` are the tokens that end an answer. */
export const createModelGrammars = (tokenizer: Tokenizer, ends: readonly number[]): Grammars =>
  createGrammars(() => {
    const tokens =
      tokenizer.bytesOfTokens() ??
      refuse('INVALID_REQUEST', 'this model cannot be held to a JSON schema: its tokens have no bytes of their own');
    return { tokens, ends: ends.filter((id) => id < tokens.length) };
  });
