import * as v from 'valibot';
import { jsonAnswer } from '../../core/answer.ts';
import { ServingError } from '../../core/errors.ts';
import type { Graph } from '../../core/graph.ts';
import type { Signature, Tensor } from '../../core/tensor.ts';
import { assertMergedDecoder } from '../../generation/decoder.ts';
import { generate } from '../../generation/generate.ts';
import {
  type GenerationConfig,
  lengthLimit,
  MAX_BEAMS,
  MAX_TOKENS,
  parseGenerationConfig,
} from '../../generation/generation-config.ts';
import type { Generated } from '../../generation/search.ts';
import { assertTextGraph, collateEncodings } from '../../media/text/collate.ts';
import { type Texts, toTexts } from '../../media/text/input.ts';
import { type Encoding, loadTokenizer, type Tokenizer } from '../../media/text/tokenizer.ts';
import { assertKnownParameters, readInteger } from '../parameters.ts';
import { type RowTask, rowTask } from '../row-task.ts';
import type { Task } from '../task.ts';
import { assertKnownMarker, blankDirection, type Direction, languagesSchema, readDirection } from './languages.ts';

const settingsSchema = v.object({
  /** `generation_config.json` as the model came with it. */
  generation: v.record(v.string(), v.unknown()),
  /** Tokens that the model has positions for, in a source text and in its translation; left out where it counts distances. */
  maxLength: v.optional(v.pipe(v.number(), v.integer(), v.minValue(2))),
  languages: v.optional(languagesSchema),
});

export type TranslationSettings = v.InferOutput<typeof settingsSchema>;

interface Request extends Texts {
  readonly direction: Direction;
  readonly numBeams?: number;
  readonly maxNewTokens?: number;
}

interface Row {
  readonly encoding: Encoding;
  readonly config: GenerationConfig;
  /** Equal where `config` is. */
  readonly group: string;
}

interface Translation {
  readonly translation_text: string;
  /** Where the model did not see the whole text. */
  readonly truncated?: true;
}

/** How T5's pairs are searched for, by their names; under the empty one stands what holds without a pair, as for all other models. */
const configsOf = ({ generation, languages, maxLength = MAX_TOKENS }: TranslationSettings) => {
  const pairs = languages?.by === 'prefix' ? Object.entries(languages.pairs) : [];
  const parse = (json: unknown): GenerationConfig => {
    const config = parseGenerationConfig(json);
    return { ...config, maxNewTokens: Math.min(lengthLimit(config, 1), maxLength) - 1 };
  };
  return new Map([
    ['', parse(generation)],
    ...pairs.map(([pair, { generation: own }]) => [pair, parse({ ...generation, ...own })] as const),
  ]);
};

/** What the encoder says of all tokens. @throws `INFERENCE_FAILED` */
const hiddenStatesOf = ({ last_hidden_state, ...others }: Readonly<Record<string, Tensor>>): Tensor => {
  const states = last_hidden_state ?? Object.values(others)[0];
  if (states === undefined) throw new ServingError('INFERENCE_FAILED', 'the encoder has no output');
  return states;
};

const steps = (settings: TranslationSettings): RowTask<Request, Row, Generated, Tokenizer> => {
  const { languages, maxLength = MAX_TOKENS } = settings;
  const configs = configsOf(settings);
  const configOf = ({ pair = '' }: Direction): GenerationConfig => configs.get(pair) as GenerationConfig;
  const [eosTokenId] = configOf({ prefix: '' }).eosTokenIds;

  const configFor = ({ direction, numBeams, maxNewTokens }: Request, tokenizer: Tokenizer): GenerationConfig => {
    const target = direction.targetToken === undefined ? undefined : tokenizer.tokenId(direction.targetToken);
    return {
      ...configOf(direction),
      ...(numBeams !== undefined && { numBeams }),
      ...(maxNewTokens !== undefined && { maxNewTokens }),
      ...(target !== undefined && { forcedBosTokenId: target }),
    };
  };

  const encode = (text: string, { prefix, sourceToken }: Direction, tokenizer: Tokenizer): Encoding => {
    const longest = Math.min(tokenizer.maxLength, maxLength);
    const source = sourceToken === undefined ? undefined : tokenizer.tokenId(sourceToken);
    if (source === undefined || eosTokenId === undefined)
      return tokenizer.encode(prefix + text, { maxLength: longest });
    const encoding = tokenizer.encode(text, { addSpecialTokens: false, maxLength: longest - 2 });
    const isBehind = languages?.by === 'token' && languages.behind;
    const ids = isBehind ? [...encoding.ids, eosTokenId, source] : [source, ...encoding.ids, eosTokenId];
    return { ...encoding, ids };
  };

  return {
    // Two tokens: the first step and the later ones are different parts of the decoder.
    blank: { texts: [''], isList: false, direction: blankDirection(languages), maxNewTokens: 2 },

    decode(payload) {
      const { parameters } = payload;
      assertKnownParameters(parameters, ['src_lang', 'tgt_lang', 'num_beams', 'max_new_tokens']);
      const numBeams = readInteger(parameters, 'num_beams', 1, MAX_BEAMS);
      const maxNewTokens = readInteger(parameters, 'max_new_tokens', 1, maxLength - 1);
      const request = { ...toTexts(payload), direction: readDirection(parameters, languages) };
      return {
        ...request,
        ...(numBeams !== undefined && { numBeams }),
        ...(maxNewTokens !== undefined && { maxNewTokens }),
      };
    },

    load: loadTokenizer,

    prepare(request, tokenizer) {
      const { texts, isList, direction } = request;
      const config = configFor(request, tokenizer);
      const group = JSON.stringify(config);
      return texts.map((text, index) => {
        assertKnownMarker(text, isList ? `inputs[${index}]` : '"inputs"', languages);
        return { encoding: encode(text, direction, tokenizer), config, group };
      });
    },

    group: ({ group }) => group,
    length: ({ encoding }) => encoding.ids.length,
    batchSize: ({ config }, maxBatch) => Math.max(1, Math.floor(maxBatch / config.numBeams)),

    async run(batch, tokenizer, graphs) {
      const { encoder, decoder } = graphs as { readonly encoder: Graph; readonly decoder: Graph };
      const [{ config }] = batch as readonly [Row];
      const feeds = collateEncodings(
        batch.map(({ encoding }) => encoding),
        encoder.signature,
        tokenizer,
      );
      const hiddenStates = hiddenStatesOf(await encoder.run(feeds));
      return generate({
        decoder,
        encoded: { hiddenStates, ...(feeds.attention_mask && { attentionMask: feeds.attention_mask }) },
        prompts: batch.map(() => [config.decoderStartTokenId]),
        config,
      });
    },

    postprocess(outputs, _request, rows, tokenizer) {
      const cut = rows.flatMap(({ encoding }, index) => (encoding.truncatedFrom === undefined ? [] : [index]));
      const answer = outputs.map(({ ids }, index): Translation => {
        const translation_text = tokenizer.decode(ids, { skipSpecialTokens: true, cleanUp: false });
        return cut.includes(index) ? { translation_text, truncated: true } : { translation_text };
      });
      return jsonAnswer(answer, cut);
    },
  };
};

/**
 * Texts → `[{translation_text}]`, as the Hugging Face inference API answers: a list, also for one text.
 * Graphs: an encoder `input_ids`, `attention_mask` int64[N,S] → float32[N,S,D], and a merged decoder as Optimum exports it.
 *
 * @throws `MODEL_INVALID` when `settings` or signatures are not those of a translation model
 */
export const createTranslation = (settings: unknown, encoder: Signature, decoder: Signature): Task => {
  const parsed = v.safeParse(settingsSchema, settings);
  if (!parsed.success) throw new ServingError('MODEL_INVALID', `translation settings: ${v.summarize(parsed.issues)}`);
  assertTextGraph(encoder);
  assertMergedDecoder(decoder);
  return rowTask(steps(parsed.output));
};
