import { refuse, ServingError } from '../core/errors.ts';
import type { Tensors } from '../core/tensor.ts';
import { collateEncodings, longestRow } from '../media/text/collate.ts';
import type { Encoding, Tokenizer } from '../media/text/tokenizer.ts';
import type { ModelSource, SourceFile } from '../source/model-source.ts';
import type { Settings } from '../source/settings-file.ts';
import { readTokenizer } from '../source/tokenizers/index.ts';
import { graphOf } from './graph-of.ts';
import type { TwoRows } from './recipe.ts';
import type { TaskModel } from './task.ts';

/** Rows by which an embedding may exceed its tokenizer: models are padded to convenient sizes, and keep rows in reserve. */
const SPARE_ROWS = 1024;

/**
 * The files that `loadTokenizer` reads when the model is loaded.
 * @throws `MODEL_INVALID` when the folder has no tokenizer, or the size of its vocabulary contradicts `config`
 */
export const readTextResources = async (source: ModelSource, config: Settings): Promise<readonly SourceFile[]> => {
  const { tokenizer, files } = await readTokenizer(source);
  const { vocabSize } = tokenizer;
  const { vocab_size: rows } = config;
  if (typeof rows === 'number' && (vocabSize > rows || vocabSize + SPARE_ROWS < rows))
    refuse(
      'MODEL_INVALID',
      `the tokenizer has ${vocabSize} tokens, "vocab_size" in config.json is ${rows}: they are not of one model`,
    );
  return files;
};

/** Models that count positions from the padding token on, like fairseq. */
const FAIRSEQ_POSITIONS =
  /^(?:roberta|xlm-roberta|xlm-roberta-xl|camembert|roberta-prelayernorm|data2vec-text|longformer|ibert|luke|mpnet|lilt|xmod)$/;

/** The number of positions for tokens; undefined when config.json has none. */
export const readPositions = ({
  max_position_embeddings: positions,
  model_type: type,
  pad_token_id: pad,
}: Settings): number | undefined => {
  if (typeof positions !== 'number' || !Number.isInteger(positions) || positions < 1) return undefined;
  const isOffset = FAIRSEQ_POSITIONS.test(String(type)) && typeof pad === 'number';
  return isOffset ? positions - pad - 1 : positions;
};

/** Texts of different lengths, so that the first one is padded beside the second one. */
const TEXTS = [
  'The sun rose.',
  'Nobody in the village could say for certain who had rung the bell, 12 times, on that night!',
] as const;

/** The two texts as rows of the graph of `role`. */
export const twoTexts = (
  { graphs, resources: tokenizer }: TaskModel<Tokenizer>,
  maxLength?: number,
  role = 'model',
): Readonly<Record<string, TwoRows>> => {
  const { signature } = graphOf(graphs, role);
  const options = { maxLength: longestRow(signature, tokenizer, maxLength) };
  const [short, long] = [tokenizer.encode(TEXTS[0], options), tokenizer.encode(TEXTS[1], options)];
  const feeds = (...encodings: Encoding[]): Tensors => collateEncodings(encodings, signature, tokenizer);
  const { paddingSide } = tokenizer;
  return { [role]: { apart: [feeds(short), feeds(long)], together: feeds(short, long), paddingSide } };
};

/** Runs a text of `length` times the same token. */
const run = (
  { graphs, resources: tokenizer }: TaskModel<Tokenizer>,
  token: number,
  length: number,
): Promise<Tensors> => {
  const graph = graphOf(graphs);
  const repeat = <V>(value: V): V[] => Array.from({ length }, () => value);
  const encoding = {
    ids: repeat(token),
    typeIds: repeat(0),
    offsets: repeat([0, 0] as const),
    special: repeat(false),
    sequence: repeat(0 as const),
    wordIds: repeat(0),
  };
  return graph.run(collateEncodings([encoding], graph.signature, tokenizer));
};

/**
 * Runs texts that differ from a blank one: the last token of the vocabulary, and the most tokens that a text may have.
 * @throws `MODEL_INVALID` when the graph knows fewer tokens, or takes shorter texts
 */
export const runExtremes = async (model: TaskModel<Tokenizer>, maxLength?: number): Promise<Tensors> => {
  const { graphs, resources: tokenizer } = model;
  const last = tokenizer.vocabSize - 1;
  const outputs = await run(model, last, 1).catch((error: unknown) =>
    refuse(
      'MODEL_INVALID',
      `the tokenizer has tokens up to ${last}, which the graph fails on (${ServingError.from(error).message}): they are not of one model`,
    ),
  );
  const longest = longestRow(graphOf(graphs).signature, tokenizer, maxLength);
  if (Number.isFinite(longest))
    await run(model, last, longest).catch((error: unknown) =>
      refuse(
        'MODEL_INVALID',
        `the graph fails on texts of ${longest} tokens (${ServingError.from(error).message}): set ` +
          '"model_max_length" in tokenizer_config.json to the limit of the model',
      ),
    );
  return outputs;
};
