import { jsonAnswer } from '../../core/answer.ts';
import { mapInTime } from '../../core/deadline.ts';
import { element } from '../../core/element.ts';
import { refuse, ServingError } from '../../core/errors.ts';
import { isObject } from '../../core/is-object.ts';
import type { Payload } from '../../core/payload.ts';
import { show } from '../../core/show.ts';
import type { Tensor, Tensors } from '../../core/tensor.ts';
import { assertMergedDecoder } from '../../generation/decoder.ts';
import { generate } from '../../generation/generate.ts';
import {
  type GenerationConfig,
  lengthLimit,
  MAX_TOKENS,
  parseGenerationConfig,
} from '../../generation/generation-config.ts';
import type { Generated } from '../../generation/search.ts';
import { assertTextGraph, collateEncodings } from '../../media/text/collate.ts';
import { describeTexts } from '../../media/text/features.ts';
import { type Texts, toTexts } from '../../media/text/input.ts';
import { type Encoding, loadTokenizer, type Tokenizer } from '../../media/text/tokenizer.ts';
import { listElements } from '../elements.ts';
import { type Graphs, graphOf } from '../graph-of.ts';
import { type Parameters, readInteger, readParameters } from '../parameters.ts';
import { type RowTask, rowTask } from '../row-task.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { assertWhole } from '../truncation.ts';
import { assertKnownMarker, blankDirection, type Direction, readDirection } from './languages.ts';
import { PARAMETERS } from './parameters.ts';
import { settingsSchema, type TranslationSettings } from './settings.ts';

interface Request extends Texts {
  readonly direction: Direction;
  readonly numBeams?: number;
  readonly maxNewTokens?: number;
  readonly mayCut: boolean;
  readonly cleanUp: boolean;
}

interface Row {
  readonly encoding: Encoding;
  readonly config: GenerationConfig;
  /** Equal where `config` is. */
  readonly group: string;
}

interface Translation {
  readonly translation_text: string;
  /** Marks a text that was cut to the length of the model. */
  readonly truncated?: true;
}

interface Configs {
  readonly default: GenerationConfig;
  /** The configuration of each language pair of a T5 model. */
  readonly byPair: ReadonlyMap<string | undefined, GenerationConfig>;
}

/** The Hugging Face API has the parameters of the search in an object of their own. @throws `INVALID_REQUEST` unless it is one */
const withGenerateParameters = ({ generate_parameters: nested = {}, ...parameters }: Parameters): Parameters =>
  isObject(nested)
    ? { ...parameters, ...nested }
    : refuse('INVALID_REQUEST', `parameter "generate_parameters" is ${show(nested)}, expected an object`);

const parseConfigs = ({ generation, languages, maxLength = MAX_TOKENS }: TranslationSettings): Configs => {
  const pairs = languages?.by === 'prefix' ? Object.entries(languages.pairs) : [];
  const parse = (json: unknown): GenerationConfig => {
    const config = parseGenerationConfig(json);
    return { ...config, maxNewTokens: Math.min(lengthLimit(config, 1), maxLength) - 1 };
  };
  return {
    default: parse(generation),
    byPair: new Map(pairs.map(([pair, { generation: own }]) => [pair, parse({ ...generation, ...own })])),
  };
};

/** The configuration of a request: of its language pair, changed by its parameters. */
const configFor = (
  { direction, numBeams, maxNewTokens }: Request,
  configs: Configs,
  tokenizer: Tokenizer,
): GenerationConfig => {
  const target = direction.targetToken === undefined ? undefined : tokenizer.tokenId(direction.targetToken);
  return {
    ...(configs.byPair.get(direction.pair) ?? configs.default),
    ...(numBeams !== undefined && { numBeams }),
    ...(maxNewTokens !== undefined && { maxNewTokens }),
    ...(target !== undefined && { forcedBosTokenId: target }),
  };
};

/** The tokens of a text, with the token of the source language when the model has such tokens. */
const encode = (
  text: string,
  { prefix, sourceToken }: Direction,
  { languages, maxLength = MAX_TOKENS }: TranslationSettings,
  eosTokenId: number | undefined,
  tokenizer: Tokenizer,
): Encoding => {
  const longest = Math.min(tokenizer.maxLength, maxLength);
  const source = sourceToken === undefined ? undefined : tokenizer.tokenId(sourceToken);
  if (source === undefined || eosTokenId === undefined) return tokenizer.encode(prefix + text, { maxLength: longest });
  const encoding = tokenizer.encode(text, { addSpecialTokens: false, maxLength: longest - 2 });
  const isBehind = languages?.by === 'token' && languages.behind;
  const ids = isBehind ? [...encoding.ids, eosTokenId, source] : [source, ...encoding.ids, eosTokenId];
  return { ...encoding, ids };
};

/** The hidden states of an encoder. @throws `INFERENCE_FAILED` when it gave no output */
const hiddenStatesOf = ({ last_hidden_state, ...others }: Tensors): Tensor => {
  const states = last_hidden_state ?? Object.values(others)[0];
  if (states === undefined) throw new ServingError('INFERENCE_FAILED', 'the encoder has no output');
  return states;
};

/** Translates a batch of one configuration. */
const translateBatch = async (batch: readonly Row[], tokenizer: Tokenizer, graphs: Graphs): Promise<Generated[]> => {
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

/** @throws `INVALID_REQUEST`, and the errors of `toTexts` */
const readRequest = (payload: Payload, { languages, maxLength = MAX_TOKENS }: TranslationSettings): Request => {
  const parameters = withGenerateParameters(payload.parameters);
  const {
    num_beams: numBeams,
    truncation,
    clean_up_tokenization_spaces: cleanUp = false,
  } = readParameters(parameters, PARAMETERS);
  const maxNewTokens = readInteger(parameters, 'max_new_tokens', 1, maxLength - 1);
  const request = { ...toTexts(payload), direction: readDirection(parameters, languages) };
  return {
    ...request,
    mayCut: truncation !== 'do_not_truncate',
    cleanUp,
    ...(numBeams !== undefined && { numBeams }),
    ...(maxNewTokens !== undefined && { maxNewTokens }),
  };
};

const steps = (settings: TranslationSettings): RowTask<Request, Row, Generated, Tokenizer> => {
  const { languages } = settings;
  const configs = parseConfigs(settings);
  const [eosTokenId] = configs.default.eosTokenIds;
  return {
    // Two tokens, since the first step and later ones run different branches of the decoder.
    blank: {
      texts: [''],
      isList: false,
      direction: blankDirection(languages),
      maxNewTokens: 2,
      mayCut: true,
      cleanUp: false,
    },

    elements: listElements,

    decode: (payload) => readRequest(payload, settings),

    load: loadTokenizer,

    prepare(request, tokenizer, deadline) {
      const { texts, isList, direction, mayCut } = request;
      const config = configFor(request, configs, tokenizer);
      const group = JSON.stringify(config);
      const rows = mapInTime(texts, deadline, (text, index) => {
        assertKnownMarker(text, isList ? `inputs[${index}]` : '"inputs"', languages);
        return { encoding: encode(text, direction, settings, eosTokenId, tokenizer), config, group };
      });
      if (!mayCut)
        assertWhole(
          rows.map(({ encoding }) => encoding),
          isList,
        );
      return rows;
    },

    describe: ({ texts }, { resources }) => describeTexts(texts, resources),

    group: ({ group }) => group,
    length: ({ encoding }) => encoding.ids.length,
    batchSize: ({ config }, maxBatch) => Math.max(1, Math.floor(maxBatch / config.numBeams)),

    run: translateBatch,

    postprocess(outputs, { cleanUp }, rows, tokenizer) {
      const cut = rows.flatMap(({ encoding }, index) => (encoding.truncatedFrom === undefined ? [] : [index]));
      const answer = outputs.map(({ ids }, index): Translation => {
        const translation_text = tokenizer.decode(ids, { skipSpecialTokens: true, cleanUp });
        return cut.includes(index) ? { translation_text, truncated: true } : { translation_text };
      });
      return jsonAnswer(answer, cut);
    },
  };
};

/**
 * Texts → `[{translation_text}]`, as the Hugging Face inference API answers: a list, also for one text.
 * Graphs: an encoder `input_ids`, `attention_mask` int64[N,S] → float32[N,S,D], and a merged decoder as Optimum exports it.
 */
export const translation: TaskType<TranslationSettings> = {
  settings: settingsSchema,
  create(settings, version) {
    assertTextGraph(signatureOf(version, 'encoder'));
    assertMergedDecoder(signatureOf(version, 'decoder'));
    return rowTask(steps(settings));
  },
};
