import { type Answer, jsonAnswer } from '../../core/answer.ts';
import { refuse } from '../../core/errors.ts';
import type { Payload } from '../../core/payload.ts';
import { parseGenerationDefaults } from '../../generation/causal/generation-defaults.ts';
import { readLayout } from '../../generation/causal/layout.ts';
import { oneByOne } from '../one-by-one.ts';
import type { Lap, Task, TaskModel } from '../task.ts';
import { signatureOf, type TaskType } from '../task-type.ts';
import { answerInChunks, type Generator, type Question } from './answer.ts';
import type { GenerationChunk, GenerationDetails, TopToken } from './generation-chunk.ts';
import { type GenerationParameters, readGenerationParameters } from './parameters.ts';
import { encodePrompt, type Prompt, type Prompts, readPrompts } from './prompt.ts';
import { loadResources, type Resources } from './resources.ts';
import { settingsSchema, type TextGenerationSettings } from './settings.ts';

interface Request extends Prompts {
  readonly parameters: GenerationParameters;
}

/** Details of an answer in one piece, with its tokens. */
interface AllDetails extends GenerationDetails {
  readonly tokens: readonly GenerationChunk['token'][];
  readonly top_tokens?: readonly (readonly TopToken[])[];
}

interface GeneratedText {
  readonly generated_text: string;
  readonly details?: AllDetails;
}

/** The tokens of a prompt; of an empty one, the token that texts begin with. @throws `INVALID_INPUT` when there is none */
const tokensOf = (prompt: Prompt, { defaults }: Generator, resources: Resources): readonly number[] => {
  const ids = encodePrompt(prompt, resources);
  if (ids.length > 0) return ids;
  const { bosTokenId } = defaults;
  return bosTokenId === undefined
    ? refuse('INVALID_INPUT', 'the prompt is empty, and this model has no token that texts begin with; send some text')
    : [bosTokenId];
};

const toQuestion = (prompt: Prompt, { parameters }: Request, generator: Generator, resources: Resources): Question => {
  const ids = tokensOf(prompt, generator, resources);
  const wrong = parameters.logitBias.find(([id]) => resources.tokenizer.token(id) === undefined);
  if (wrong !== undefined)
    refuse('INVALID_REQUEST', `parameter "logit_bias" names token ${wrong[0]}, which is not in the vocabulary`);
  return { ids, parameters };
};

/** An answer of all its chunks. */
const joinChunks = (chunks: readonly GenerationChunk[], { details }: GenerationParameters): GeneratedText => {
  const last = chunks.at(-1);
  const text = last?.generated_text ?? '';
  if (!details || last?.details == null) return { generated_text: text };
  const tops = chunks.flatMap(({ top_tokens }) => (top_tokens === undefined ? [] : [top_tokens]));
  return {
    generated_text: text,
    details: {
      ...last.details,
      tokens: chunks.map(({ token }) => token),
      ...(tops.length > 0 && { top_tokens: tops }),
    },
  };
};

const fullText = ({ generated_text, ...rest }: GeneratedText, prompt: Prompt): GeneratedText =>
  prompt.kind === 'text' ? { generated_text: prompt.text + generated_text, ...rest } : { generated_text, ...rest };

const answerRequest =
  (generator: Generator) =>
  async (request: Request, model: TaskModel<Resources>, lap: Lap): Promise<Answer> => {
    const { prompts, parameters } = request;
    const answers: GeneratedText[] = [];
    const usage = { promptTokens: 0, answerTokens: 0 };
    for (const prompt of prompts) {
      const question = toQuestion(prompt, request, generator, model.resources);
      lap('preprocess');
      const chunks: GenerationChunk[] = [];
      for await (const chunk of answerInChunks(generator, question, model)) chunks.push(chunk);
      lap('run');
      const details = chunks.at(-1)?.details;
      usage.promptTokens += details?.input_length ?? 0;
      usage.answerTokens += details?.generated_tokens ?? 0;
      const answer = joinChunks(chunks, parameters);
      answers.push(parameters.fullText ? fullText(answer, prompt) : answer);
    }
    return jsonAnswer(answers, [], usage);
  };

async function* streamRequest(
  generator: Generator,
  request: Request,
  model: TaskModel<Resources>,
): AsyncGenerator<GenerationChunk, undefined> {
  const [prompt, ...others] = request.prompts;
  if (prompt === undefined || others.length > 0)
    return refuse('INVALID_INPUT', `a stream answers one text, "inputs" has ${request.prompts.length}; send one`);
  if (request.parameters.scoresPrompt)
    return refuse(
      'INVALID_REQUEST',
      '"decoder_input_details" is for answers in one piece: a reader who leaves could not end it',
    );
  yield* answerInChunks(generator, toQuestion(prompt, request, generator, model.resources), model);
}

/** Two tokens and two steps, since the first run of a decoder takes another way than later ones. */
const blankRequest = (generator: Generator): Request => ({
  prompts: [{ kind: 'tokens', ids: [0, 0] }],
  isList: false,
  parameters: readGenerationParameters({ max_new_tokens: 2, min_new_tokens: 2, do_sample: false }, generator.defaults),
});

const createTask = (generator: Generator): Task<Request, Resources> => ({
  decode: (payload: Payload) => ({
    ...readPrompts(payload),
    parameters: readGenerationParameters(payload.parameters, generator.defaults),
  }),
  blank: () => blankRequest(generator),
  load: (read) => loadResources(read, generator),
  predict: oneByOne(answerRequest(generator)),
  stream: (request, model) => streamRequest(generator, request, model),
});

/**
 * Texts → `[{generated_text}]`, as the Hugging Face inference API answers: a list, also for one text. A stream gives a chunk for each token.
 * Graph: `input_ids` int64[N,T] and `past_key_values.*` → `logits` float32[N,T,V] and `present.*`.
 */
export const textGeneration: TaskType<TextGenerationSettings> = {
  settings: settingsSchema,
  create: (settings, version) =>
    createTask({
      settings,
      defaults: parseGenerationDefaults(settings.generation),
      layout: readLayout(signatureOf(version), settings.heads),
    }),
};
