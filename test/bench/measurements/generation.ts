import assert from 'node:assert/strict';
import { access, mkdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { filesToLoad } from '../../../src/engine/version-files.ts';
import { fileKey } from '../../../src/repository/keys.ts';
import { writeDecoderModel } from '../decoder-model.ts';
import { type Figure, measureInTurn, toFigure, toRatio } from '../figures.ts';
import { firstLine, firstResponse } from '../first-answer.ts';
import type { Results } from '../measures.ts';
import { postEvent } from '../sample.ts';
import type { GenerateInput, GenerateTimes } from '../scripts/generate.ts';
import type { GeneratorPrompt, GeneratorsInput, GeneratorTimes } from '../scripts/generators.ts';
import { projectRoot, type Workbench } from '../workbench.ts';
import { functionCommand } from './cold-start.ts';
import { loadRepeatedly, publishMatmul, timeDownload } from './load.ts';

const MODEL = 'decoder';
const NEW_TOKENS = 64;
/** Tokens of a short and of a long text. */
const SHORT = 16;
const LONG = 513;

const tokens = (count: number): number[] =>
  Array.from({ length: count }, (_, index) => 300 + ((index * 7_919) % 30_000));

/** Makes and pushes the decoder, unless an earlier measurement has. Returns its folder. */
const prepareDecoder = async (workbench: Workbench): Promise<string> => {
  const folder = path.join(workbench.directory, MODEL);
  const isThere = await access(folder).then(
    () => true,
    () => false,
  );
  if (isThere) return folder;
  await writeDecoderModel(folder);
  await workbench.push(folder, MODEL);
  return folder;
};

/** Generated texts of the packaged infer, with a model of 135 million random weights in int4. */
export const measureGeneration = async (workbench: Workbench, rounds: number): Promise<Results> => {
  const folder = await prepareDecoder(workbench);
  const ask = (count: number, parameters: object) =>
    postEvent(
      `/models/${MODEL}`,
      'application/json',
      JSON.stringify({ inputs: { tokens: tokens(count) }, parameters }),
    );
  const sampled = { temperature: 0.8, top_k: 50, top_p: 0.95, seed: 1 };
  const exactly = (count: number) => ({ max_new_tokens: count, min_new_tokens: count });
  const input: GenerateInput = {
    handlerPath: path.join(workbench.directory, 'infer/handler.mjs'),
    graphPath: path.join(folder, 'model.onnx'),
    prompt: tokens(SHORT),
    newTokens: NEW_TOKENS,
    answer: await ask(SHORT, { ...sampled, ...exactly(NEW_TOKENS), cache_prompt: false }),
    detailed: await ask(SHORT, { ...sampled, ...exactly(NEW_TOKENS), cache_prompt: false, details: true }),
    computed: await ask(LONG, { ...exactly(1), cache_prompt: false }),
    known: await ask(LONG, exactly(1)),
    rounds,
  };
  const { bare, answer, computed, known } = await workbench.run<GenerateTimes>('generate', input);
  return {
    figures: {
      'llm.decode_ratio': toRatio(bare, answer),
      'llm.prefix_ttft_ratio': toRatio(known, computed),
    },
    times: {
      '64 tokens, bare loop of runs': toFigure(bare),
      '64 tokens, sampled, warm infer': toFigure(answer),
      'first token after 513, computed': toFigure(computed),
      'first token after 513, known but for one': toFigure(known),
    },
  };
};

/** Tokens of a prompt that are computed within one answer. */
const PART = 250;
/** Tokens before those that are timed, the figure over onnxruntime-genai, and the timed ones: an answer has half a minute on a busy computer, too. */
const LENGTHS = [
  [SHORT, 'llm.genai_ratio_16', NEW_TOKENS],
  [512, 'llm.genai_ratio', NEW_TOKENS],
  [2_000, 'llm.genai_ratio_2000', 32],
] as const;

/**
 * Generated tokens of the packaged infer, and of programs that people use otherwise, on the files that `measureGeneration` made. A prompt is known from
 * the round before, as a conversation is, and onnxruntime-genai's clock starts behind it. That of transformers.js does not.
 */
export const measureGenerators = async (
  workbench: Workbench,
  rivals: Readonly<Record<string, readonly string[]>>,
  rounds: number,
): Promise<Results> => {
  const modelFolder = await prepareDecoder(workbench);
  const ask = (length: number, newTokens: number, details = false) => {
    const parameters = { max_new_tokens: newTokens, min_new_tokens: newTokens, do_sample: false, details };
    const body = JSON.stringify({ inputs: { tokens: tokens(length) }, parameters });
    return postEvent(`/models/${MODEL}`, 'application/json', body);
  };
  const prompts = await Promise.all(
    LENGTHS.map(async ([length, , newTokens]): Promise<GeneratorPrompt> => {
      const parts = Array.from({ length: Math.ceil(length / PART) }, (_, part) => Math.min(length, (part + 1) * PART));
      return {
        tokens: tokens(length),
        newTokens,
        event: await ask(length, newTokens),
        detailed: await ask(length, newTokens, true),
        before: await Promise.all(parts.map((part) => ask(part, 1))),
        rivals: length === SHORT ? ['genai', 'transformers'] : ['genai'],
      };
    }),
  );
  const input: GeneratorsInput = {
    handlerPath: path.join(workbench.directory, 'infer/handler.mjs'),
    rivals: Object.fromEntries(Object.entries(rivals).map(([name, command]) => [name, [...command, modelFolder]])),
    ...{ prompts, rounds },
  };
  const measured = await workbench.run<GeneratorTimes>('generators', input);
  const figures: Record<string, Figure> = {};
  const times: Record<string, Figure> = {};
  for (const [index, [length, name]] of LENGTHS.entries()) {
    const { product = [], genai: python, transformers } = measured[index] ?? {};
    times[`a token after ${length}, warm infer`] = toFigure(product);
    if (python) {
      figures[name] = toRatio(python, product);
      times[`a token after ${length}, onnxruntime-genai`] = toFigure(python);
    }
    if (transformers) {
      figures['llm.transformersjs_ratio'] = toRatio(transformers, product);
      times[`a token after ${length}, transformers.js`] = toFigure(transformers);
    }
  }
  return { figures, times };
};

/**
 * The first token of a new process: of the packaged infer with its model in S3, of a script that downloads the same files, and of one that has the graph
 * on disk.
 */
export const measureColdToken = async (workbench: Workbench, rounds: number): Promise<Results> => {
  const { directory, environment, repository, storage } = workbench;
  const folder = await prepareDecoder(workbench);
  const bundle = await repository.bundle(MODEL, 1);
  const prompt = tokens(SHORT);
  const parameters = { max_new_tokens: 1, do_sample: false, details: true };
  const body = JSON.stringify({ inputs: { tokens: prompt }, parameters });
  const event = await postEvent(`/models/${MODEL}`, 'application/json', body);
  let expected: unknown; // of the floor, which has the first turn
  const runScript = async (graphPath: string, downloads: readonly object[]): Promise<number> => {
    const { answer, elapsedMs } = await firstLine({
      args: [
        path.join(directory, 'floors/cold-token.mjs'),
        graphPath,
        JSON.stringify(prompt),
        JSON.stringify(downloads),
      ],
      cwd: directory,
      environment: { ...environment(), NODE_PATH: path.join(projectRoot, 'node_modules') },
    });
    expected ??= answer;
    assert.deepEqual(answer, expected);
    return elapsedMs;
  };
  const downloaded = path.join(directory, 'cold-token');
  const measured = await measureInTurn(
    { rounds },
    {
      floor: async () => {
        await rm(downloaded, { recursive: true, force: true });
        const downloads = filesToLoad(bundle).map(({ path: file, bytes }) => ({
          url: `${storage.endpoint}/${storage.modelsBucket}/${fileKey(MODEL, 1, file)}`,
          path: path.join(downloaded, file),
          bytes,
        }));
        for (const each of downloads) await mkdir(path.dirname(each.path), { recursive: true });
        return runScript(path.join(downloaded, bundle.graphs.model?.file ?? ''), downloads);
      },
      disk: () => runScript(path.join(folder, 'model.onnx'), []),
      infer: async () => {
        const command = functionCommand(workbench, { runtimeClient: undefined }, path.join(directory, 'infer'));
        const { answer, elapsedMs } = await firstResponse(command, event);
        const { statusCode, body: text } = answer as { statusCode: number; body: string };
        assert.equal(statusCode, 200, text);
        const [{ details }] = JSON.parse(text);
        assert.deepEqual([details.tokens[0].id], expected);
        await rm(command.environment.MODEL_CACHE_DIR ?? '', { recursive: true });
        return elapsedMs;
      },
    },
  );
  await rm(downloaded, { recursive: true });
  return {
    figures: { 'llm.ttft_cold_ratio': toRatio(measured.infer, measured.floor) },
    times: {
      'first token of a new process, infer': toFigure(measured.infer),
      'first token of a new process, bare script that downloads the same files': toFigure(measured.floor),
      'first token of a new process, bare script with the graph on disk': toFigure(measured.disk),
    },
  };
};

const LARGE_MB = 1_000;
/** A round writes and reads gigabytes. */
const MOST_ROUNDS = 3;

/** Download and memory of a model of 1 GB. */
export const measureLargeLoad = async (workbench: Workbench, rounds: number): Promise<Results> => {
  const few = Math.min(rounds, MOST_ROUNDS);
  const { model, bytes } = await publishMatmul(workbench, LARGE_MB);
  const loads = await loadRepeatedly(workbench, model, few);
  const { verified, raw } = await timeDownload(workbench, LARGE_MB, few);
  return {
    figures: {
      'llm.load_ratio': toRatio(verified, raw),
      'llm.peak_rss_ratio': toFigure(loads.map(({ growthBytes }) => growthBytes / bytes)),
    },
    times: { '1 GB, raw download': toFigure(raw), '1 GB, verified download': toFigure(verified) },
  };
};
