import { refuse, ServingError } from '../../core/errors.ts';
import { runInTime } from '../../core/run-in-time.ts';
import type { Constraint } from '../causal/generate.ts';
import { type Handle, type Library, loadLibrary, type Matcher } from './library.ts';

/** Longest time to prepare a grammar, and to find the tokens that may come next. */
const PREPARE_MS = 10_000;
const STEP_MS = 2_000;
/** Grammars that stay prepared. */
const MOST_GRAMMARS = 8;

/** The bytes of each token, by its id; undefined for a token without text, which no grammar allows. */
export interface Vocabulary {
  readonly tokens: readonly (Uint8Array | undefined)[];
  /** Tokens that end an answer. */
  readonly ends: readonly number[];
}

/** A constraint with memory that has to be given back. */
export interface OwnedConstraint extends Constraint {
  release(): void;
}

export interface GrammarEngine {
  /** @throws `INVALID_REQUEST` for a grammar that takes too long */
  constrain(grammar: string): OwnedConstraint;
  /** False once the WebAssembly was interrupted or has given up. */
  isUsable(): boolean;
}

/** Bytes that no UTF-8 has: XGrammar's classes may name them. */
const isText = (bytes: Uint8Array): boolean => bytes.every((byte) => byte < 0xf5 && byte !== 0xc0 && byte !== 0xc1);

/** GPT-2's characters of the bytes, in which XGrammar reads a vocabulary. */
const BYTE_CHARACTERS: readonly string[] = (() => {
  const isShown = (byte: number): boolean =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
  let next = 256;
  return Array.from({ length: 256 }, (_, byte) => String.fromCodePoint(isShown(byte) ? byte : next++));
})();

const toCharacters = (bytes: Uint8Array | undefined): string =>
  bytes !== undefined && isText(bytes) ? Array.from(bytes, (byte) => BYTE_CHARACTERS[byte]).join('') : '';

/** Leaves the logits of the tokens in `mask`. When other rules of the request exclude all of these, the grammar wins. */
const applyMask = (logits: Float32Array, mask: Int32Array): void => {
  const isAllowed = (id: number): boolean => (((mask[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1;
  let isAnyLeft = false;
  for (let id = 0; id < logits.length; id += 1)
    if (!isAllowed(id)) logits[id] = Number.NEGATIVE_INFINITY;
    else isAnyLeft ||= logits[id] !== Number.NEGATIVE_INFINITY;
  if (isAnyLeft) return;
  for (let id = 0; id < logits.length; id += 1) if (isAllowed(id)) logits[id] = 0;
};

/** Runs work within the WebAssembly, until it gives up or is interrupted. */
interface Guard {
  readonly run: <Result>(limitMs: number, work: () => Result) => Result;
  readonly isUsable: () => boolean;
  /** Notes why it must not be used again. */
  readonly end: (reason: string) => void;
}

const createGuard = (): Guard => {
  let ended: string | undefined;
  const end = (reason: string): void => {
    ended ??= reason;
  };
  return {
    end,
    isUsable: () => ended === undefined,
    run(limitMs, work) {
      if (ended !== undefined)
        refuse('MODEL_UNAVAILABLE', `another request has ended the check of grammars (${ended}); try again`);
      try {
        return runInTime(limitMs, work, (cause) => {
          end('out of time');
          const problem = `the JSON schema takes more than ${limitMs / 1_000} s to be prepared or followed; make it smaller`;
          throw new ServingError('INVALID_REQUEST', problem, { cause });
        });
      } catch (error) {
        end('a fault');
        throw ServingError.from(error, 'INFERENCE_FAILED');
      }
    },
  };
};

/** Keeps the results of the newest texts. The one that was used last comes last. */
const createNewest = (make: (text: string) => Handle): ((text: string) => Handle) => {
  const known = new Map<string, Handle>();
  return (text) => {
    const own = known.get(text) ?? make(text);
    known.delete(text);
    known.set(text, own);
    const [oldest] = known.keys();
    if (known.size > MOST_GRAMMARS && oldest !== undefined) {
      known.get(oldest)?.delete();
      known.delete(oldest);
    }
    return own;
  };
};

/** Starts an instance of XGrammar for a vocabulary. */
export const createGrammarEngine = async ({ tokens, ends }: Vocabulary): Promise<GrammarEngine> => {
  const { run, isUsable, end } = createGuard();
  const library: Library = await loadLibrary(end);
  const stops = library.vecIntFromJSArray(ends);
  const texts = library.vecStringFromJSArray(tokens.map(toCharacters));
  const tokenizer = new library.TokenizerInfo(texts, 'BYTE_LEVEL', tokens.length, stops, false);
  const compiler = new library.GrammarCompiler(tokenizer, 1, false);
  const prepare = createNewest((grammar) =>
    run(PREPARE_MS, () => compiler.CompileGrammar(library.Grammar.FromEBNF(grammar, 'root'))),
  );
  const nextMask = (matcher: Matcher): Int32Array => {
    const vector = matcher.GetNextTokenBitmask(tokens.length);
    const mask = library.vecIntToView(vector).slice();
    vector.delete();
    return mask;
  };

  return {
    isUsable,
    constrain(grammar) {
      const own = prepare(grammar);
      const matcher = run(STEP_MS, () => new library.GrammarMatcher(own, undefined, ends.length === 0, -1));
      let mask = run(STEP_MS, () => nextMask(matcher));
      let isEnd = false;
      return {
        mask: (logits) => applyMask(logits, mask),
        accept: (id) =>
          run(STEP_MS, () => {
            if (!matcher.AcceptToken(id, false))
              refuse('INFERENCE_FAILED', `token ${id} does not continue the grammar`);
            isEnd = matcher.IsTerminated();
            if (!isEnd) mask = nextMask(matcher);
          }),
        isEnd: () => isEnd,
        release: () => {
          if (isUsable()) matcher.delete(); // the memory of an instance that has ended goes with it
        },
      };
    },
  };
};
