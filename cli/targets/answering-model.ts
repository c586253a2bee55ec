import { setTimeout as sleep } from 'node:timers/promises';
import { type PushOptions, pushModel } from '../../src/authoring/push-model.ts';
import { refuse, ServingError } from '../../src/core/errors.ts';
import { withScratch } from '../../src/core/scratch.ts';
import type { AnsweringModel } from '../../src/evaluation/answer-batch.ts';
import type { SampleInput } from '../../src/evaluation/samples/sample.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { createDirectoryStore } from '../../src/repository/stores/directory-store.ts';
import type { ModelReference } from '../../src/serving/router.ts';
import { resolveVersion } from '../options/model-reference.ts';
import { MAX_REQUEST_BYTES, readInput, viaStorage } from '../options/predict-input.ts';
import type { Terminal } from '../output/terminal.ts';
import { ask } from './ask.ts';
import { serveDirectory } from './serve-directory.ts';
import type { Target } from './target.ts';

/** The part of a target that answers. */
type Answering = Pick<Target, 'repository' | 'data' | 'buckets' | 'send'>;

/** Files that are sent at the same time. */
const FILES_AT_ONCE = 4;

/** The name that a model has while it is not pushed. */
const UNPUSHED = 'evaluated';

/** Waits before further attempts: a stage that is busy for a moment does not end a long evaluation. */
const WAITS_MS = [500, 2000, 8000];

const askPatiently: typeof ask = async (...call) => {
  for (const waitMs of WAITS_MS)
    try {
      return await ask(...call);
    } catch (error) {
      if (!(error instanceof ServingError && error.code === 'MODEL_UNAVAILABLE')) throw error;
      await sleep(waitMs);
    }
  return ask(...call);
};

const askJson = async (
  { send }: Answering,
  route: string,
  inputs: readonly unknown[],
  parameters: Readonly<Record<string, unknown>>,
): Promise<readonly unknown[]> => {
  const body = Buffer.from(JSON.stringify({ inputs, parameters }));
  const { answer } = await askPatiently(send, route, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body,
  });
  const answers: unknown = JSON.parse(answer);
  return Array.isArray(answers) ? answers : refuse('INFERENCE_FAILED', 'the answer to a list of inputs is no list');
};

/** The answer to one input. A text in a file is sent as a string, so that every task answers with a list of one. */
const askOne = async (
  target: Answering,
  model: string,
  route: string,
  input: SampleInput,
  parameters: Readonly<Record<string, unknown>>,
  terminal: Terminal,
): Promise<unknown> => {
  if ('json' in input) return (await askJson(target, route, [input.json], parameters))[0];
  const file = await readInput(input.file);
  if (file.contentType === 'text/plain') return (await askJson(target, route, [file.body.toString()], parameters))[0];
  const query = Object.entries(parameters)
    .map((pair) => pair.map((part) => encodeURIComponent(String(part))).join('='))
    .join('&');
  const { body, contentType } =
    file.body.byteLength <= MAX_REQUEST_BYTES ? file : await viaStorage(model, file, target, terminal);
  const post = { method: 'POST', headers: { 'content-type': contentType }, body } as const;
  const { answer } = await askPatiently(target.send, query === '' ? route : `${route}?${query}`, post);
  return JSON.parse(answer);
};

/** A version of a target, as it answers there. @throws `NOT_FOUND` */
export const answeringVersion = async (
  target: Answering,
  reference: ModelReference,
  terminal: Terminal,
): Promise<AnsweringModel> => {
  const { name } = reference;
  const version = await resolveVersion(target.repository, reference);
  const { task, settings } = await target.repository.bundle(name, version);
  const route = `/models/${name}/versions/${version}`;
  return {
    name: `${name} version ${version}`,
    task,
    settings,
    answer: async (inputs, parameters) => {
      const values = inputs.flatMap((input) => ('json' in input ? [input.json] : []));
      if (values.length === inputs.length) return askJson(target, route, values, parameters);
      const answers: unknown[] = [];
      for (let start = 0; start < inputs.length; start += FILES_AT_ONCE) {
        const some = inputs.slice(start, start + FILES_AT_ONCE);
        answers.push(
          ...(await Promise.all(some.map((input) => askOne(target, name, route, input, parameters, terminal)))),
        );
      }
      return answers;
    },
  };
};

/**
 * Runs `use` with the model at `path`, an `.onnx` file or a folder, which the deployed code serves from a temporary directory.
 * @throws `MODEL_INVALID` with the reason why it cannot be served
 */
export const withUnpushedModel = async <T>(
  path: string,
  { terminal, startTrial }: { readonly terminal: Terminal } & Pick<PushOptions, 'startTrial'>,
  use: (model: AnsweringModel) => Promise<T>,
): Promise<T> => {
  return withScratch('evaluate', async (directory) => {
    const store = createDirectoryStore(directory);
    terminal.step(`Opening ${path}`);
    const repository = createModelRepository(store);
    const options = { name: UNPUSHED, bake: false, ...(startTrial && { startTrial }) };
    await pushModel(repository, path, options).finally(() => terminal.step(''));
    const serving = serveDirectory(store);
    try {
      const model = await answeringVersion({ ...serving, buckets: undefined }, { name: UNPUSHED }, terminal);
      return await use({ ...model, name: path });
    } finally {
      await serving.close();
    }
  });
};
