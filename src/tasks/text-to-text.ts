import { jsonAnswer } from '../core/answer.ts';
import { mapInTime } from '../core/deadline.ts';
import { element } from '../core/element.ts';
import { ServingError } from '../core/errors.ts';
import type { Tensor, Tensors } from '../core/tensor.ts';
import { generate } from '../generation/generate.ts';
import {
  type GenerationConfig,
  lengthLimit,
  MAX_TOKENS,
  parseGenerationConfig,
} from '../generation/generation-config.ts';
import type { Generated } from '../generation/search.ts';
import { collateEncodings } from '../media/text/collate.ts';
import { describeTexts } from '../media/text/features.ts';
import { type Texts, toTexts } from '../media/text/input.ts';
import { type Encoding, loadTokenizer, type Tokenizer } from '../media/text/tokenizer.ts';
import { listElements } from './elements.ts';
import { type Graphs, graphOf } from './graph-of.ts';
import type { Parameters, ParameterTable } from './parameters.ts';
import type { RowTask } from './row-task.ts';
import { withNested } from './search-parameters.ts';
import { readSearch, type SEARCH_PARAMETERS, type SearchRequest } from './text-to-text-parameters.ts';
import { assertWhole } from './truncation.ts';

/** A task in which an encoder and a decoder make a text of each text. `Way` is what its requests say beside the search. */
export interface TextToText<Way> {
  /** The field of an answer that holds the text, as the Hugging Face API names it. */
  readonly field: 'translation_text' | 'summary_text';
  readonly parameters: ParameterTable & typeof SEARCH_PARAMETERS;
  /** Positions of the model, in a text and in its answer; left out by models of relative positions. */
  readonly positions?: number | undefined;
  readonly blank: Way;
  /** @throws `INVALID_REQUEST` */
  readWay(parameters: Parameters): Way;
  /** The search of a request that leaves it to the model. */
  search(way: Way, tokenizer: Tokenizer): GenerationConfig;
  /** The tokens of a text, `longest` at most. @throws `INVALID_INPUT` with the name of the text */
  encode(text: string, way: Way, name: string, tokenizer: Tokenizer, longest: number): Encoding;
}

interface Request<Way> extends Texts, SearchRequest {
  readonly way: Way;
}

interface Row {
  readonly encoding: Encoding;
  readonly config: GenerationConfig;
  /** Equal where `config` is. */
  readonly group: string;
}

interface Written {
  readonly [field: string]: string | true;
}

/** The search of a model with `maxLength` positions. @throws `MODEL_INVALID` */
export const parseSearch = (json: unknown, maxLength = MAX_TOKENS): GenerationConfig => {
  const config = parseGenerationConfig(json);
  return { ...config, maxNewTokens: Math.min(lengthLimit(config, 1), maxLength) - 1 };
};

/** The hidden states of an encoder. @throws `INFERENCE_FAILED` when it gave no output */
const hiddenStatesOf = ({ last_hidden_state, ...others }: Tensors): Tensor => {
  const states = last_hidden_state ?? Object.values(others)[0];
  if (states === undefined) throw new ServingError('INFERENCE_FAILED', 'the encoder has no output');
  return states;
};

/** Generates the answers to a batch of one configuration. */
const runBatch = async (batch: readonly Row[], tokenizer: Tokenizer, graphs: Graphs): Promise<Generated[]> => {
  const encoder = graphOf(graphs, 'encoder');
  const { config } = element(batch, 0);
  const encodings = batch.map(({ encoding }) => encoding);
  const feeds = collateEncodings(encodings, encoder.signature, tokenizer);
  const hiddenStates = hiddenStatesOf(await encoder.run(feeds));
  return generate({
    decoder: graphOf(graphs, 'decoder'),
    encoded: { hiddenStates, ...(feeds.attention_mask && { attentionMask: feeds.attention_mask }) },
    prompts: batch.map(() => [config.decoderStartTokenId]),
    config,
  });
};

/** The rows of texts. Graphs: an encoder and a merged decoder as Optimum exports them. */
export const textToText = <Way>(task: TextToText<Way>): RowTask<Request<Way>, Row, Generated, Tokenizer> => {
  const { field, positions = MAX_TOKENS } = task;
  return {
    // Two tokens, since the first step and later ones run different branches of the decoder.
    blank: { texts: [''], isList: false, way: task.blank, search: { maxNewTokens: 2 }, mayCut: true, cleanUp: false },

    elements: listElements,

    decode(payload) {
      const parameters = withNested(payload.parameters, 'generate_parameters');
      const search = readSearch(parameters, task.parameters, positions);
      return { ...toTexts(payload), ...search, way: task.readWay(parameters) };
    },

    load: loadTokenizer,

    prepare({ texts, isList, way, search, mayCut }, tokenizer, deadline) {
      const config = { ...task.search(way, tokenizer), ...search };
      const group = JSON.stringify(config);
      const longest = Math.min(tokenizer.maxLength, positions);
      const rows = mapInTime(texts, deadline, (text, index) => {
        const name = isList ? `inputs[${index}]` : '"inputs"';
        return { encoding: task.encode(text, way, name, tokenizer, longest), config, group };
      });
      const encodings = rows.map(({ encoding }) => encoding);
      if (!mayCut) assertWhole(encodings, isList);
      return rows;
    },

    describe: ({ texts }, { resources }) => describeTexts(texts, resources),

    group: ({ group }) => group,
    length: ({ encoding }) => encoding.ids.length,
    batchSize: ({ config }, maxBatch) => Math.max(1, Math.floor(maxBatch / config.numBeams)),

    run: runBatch,

    postprocess(outputs, { cleanUp }, rows, tokenizer) {
      const cut = rows.flatMap(({ encoding }, index) => (encoding.truncatedFrom === undefined ? [] : [index]));
      const answer = outputs.map(({ ids }, index): Written => {
        const text = tokenizer.decode(ids, { skipSpecialTokens: true, cleanUp });
        return cut.includes(index) ? { [field]: text, truncated: true } : { [field]: text };
      });
      return jsonAnswer(answer, cut);
    },
  };
};
