import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { APIGatewayProxyEventV2 } from 'aws-lambda';
import type createSharp from 'sharp';
import { isObject } from '../../../src/core/is-object.ts';
import { recording, toWav } from '../../support/recording.ts';
import { type Figure, measureInTurn, toFigure, toRatio } from '../figures.ts';
import type { Command } from '../first-answer.ts';
import type { MeasureName, Results } from '../measures.ts';
import { type Peers, peersFolder, pythonFolder } from '../peers.ts';
import { writeEntityModel, writeTranslationModel } from '../random-models.ts';
import { postEvent, SAMPLE, sampleFolder } from '../sample.ts';
import { projectRoot, type Workbench } from '../workbench.ts';

/** Work that the product and its rivals do warm. */
interface Case {
  readonly measure: MeasureName;
  readonly task: string;
  /** The model as it was exported. */
  readonly folder: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly event: APIGatewayProxyEventV2;
  /** What of an answer is compared; of a list of labels, the first. */
  readonly part: (answer: unknown) => unknown;
  readonly keys: readonly string[];
  readonly tolerance: number;
}

const fixture = (name: string): string => path.join(projectRoot, 'test/fixtures/models', name);

/** Answers differ by rounding alone, except for photos: their scores differ as far as decoders and resizers do. */
const [NEAR, NEAR_PHOTOS] = [1e-4, 0.03];

/** Throws unless an answer has the numbers, texts and lists of the expected one, and its values of `keys`. */
const assertSame = (answer: unknown, expected: unknown, keys: readonly string[], tolerance: number): void => {
  if (typeof expected === 'number')
    assert.ok(Math.abs(Number(answer) - expected) <= tolerance, `${answer} came, expected ${expected}`);
  else if (Array.isArray(expected)) {
    assert.ok(Array.isArray(answer) && answer.length === expected.length, `${answer} came, expected ${expected}`);
    for (const [index, one] of expected.entries()) assertSame(answer[index], one, keys, tolerance);
  } else if (isObject(expected))
    for (const key of keys) assertSame(isObject(answer) ? answer[key] : undefined, expected[key], keys, tolerance);
  else {
    assert.ok(typeof expected === 'string', `the product answered ${expected}`);
    assert.equal(String(answer).trim(), expected.trim());
  }
};

/** Thirty seconds of syllables under noise. */
const SPOKEN = [1, 480_000, 80, 8] as const;

/** A JPEG of 4000×3000. */
const takeLargePhoto = (): Promise<Buffer> => {
  const sharp = createRequire(import.meta.url)('sharp') as typeof createSharp;
  return sharp(path.join(sampleFolder, 'samples/coffee.jpg'))
    .resize({ width: 4000, height: 3000, fit: 'cover' })
    .jpeg({ quality: 90 })
    .toBuffer();
};

const sentences = async (count: number): Promise<string[]> => {
  const [, ...lines] = (await readFile(path.join(projectRoot, 'models/sentiment/held-out.tsv'), 'utf8')).split('\n');
  return lines.slice(0, count).map((line) => line.split('\t')[0] ?? '');
};

const SPEECH = { language: 'en', max_new_tokens: '40' };

const whole = (keys: readonly string[]) => ({ part: (answer: unknown) => [answer].flat(), keys, tolerance: NEAR });
const firstOf = (answer: unknown): unknown => (Array.isArray(answer) ? answer[0] : answer);

/**
 * Text is labelled and translated by models of random weights that have the sizes of ones that people serve: with a toy, the time would be that of
 * the binding alone.
 * @param miniLm a folder with the tokenizer of BERT, too
 * @param directory those models are written there
 */
const casesOf = async (miniLm: string | undefined, directory: string): Promise<Record<string, Case>> => {
  const [entities, translation] = [path.join(directory, 'rivals/entities'), path.join(directory, 'rivals/translation')];
  await writeTranslationModel(translation);
  if (miniLm !== undefined) await writeEntityModel(entities, miniLm);
  const text = (await sentences(3)).join(' ');
  const ask = (name: string, body: unknown) => postEvent(`/models/${name}`, 'application/json', JSON.stringify(body));
  const speech = await postEvent('/models/speech', 'audio/wav', toWav(recording(SPOKEN)));
  return {
    ...(miniLm !== undefined && {
      embeddings: {
        measure: 'warm.embeddings_ratio',
        task: 'feature-extraction',
        folder: miniLm,
        event: await ask('embeddings', { inputs: await sentences(32) }),
        ...whole([]),
      },
      entities: {
        measure: 'warm.entities_ratio',
        task: 'token-classification',
        folder: entities,
        event: await ask('entities', { inputs: text }),
        ...whole(['entity', 'score']),
      },
    }),
    translation: {
      measure: 'warm.translation_ratio',
      task: 'translation',
      folder: translation,
      event: await ask('translation', { inputs: text, parameters: { max_new_tokens: 60 } }),
      ...whole(['translation_text']),
    },
    speech: {
      measure: 'warm.speech_ratio',
      task: 'automatic-speech-recognition',
      folder: fixture('tiny-whisper'),
      query: SPEECH,
      event: { ...speech, rawQueryString: new URLSearchParams(SPEECH).toString(), queryStringParameters: SPEECH },
      ...whole(['text']),
    },
    photo: {
      measure: 'warm.photo_ratio',
      task: 'image-classification',
      folder: sampleFolder,
      event: await postEvent(`/models/${SAMPLE}`, 'image/jpeg', await takeLargePhoto()),
      ...{ part: firstOf, keys: ['label', 'score'], tolerance: NEAR_PHOTOS },
    },
  };
};

interface Reply {
  readonly ms: number;
  readonly answer: unknown;
}

/** A process that has not ended by then hangs. */
const TIMEOUT_MS = 15 * 60_000;

/** A process that answers cases one after the other. */
const startContender = ({ program = process.execPath, args, cwd, environment }: Command) => {
  const child = spawn(program, args, {
    cwd,
    env: environment,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
    timeout: TIMEOUT_MS,
  });
  let printed = '';
  child.stdout?.resume();
  child.stderr?.on('data', (chunk: Buffer) => {
    printed = (printed + chunk).slice(-4_000);
  });
  const ended = once(child, 'close').then(([status, signal]) => {
    throw new Error(`${args.join(' ')} ended (${status ?? signal}):\n${printed}`);
  });
  ended.catch(() => {}); // reported by the case that waits for an answer
  const lines = createInterface({ input: child.stdio[3] as Readable })[Symbol.asyncIterator]();
  return {
    answer: async (name: string): Promise<Reply> => {
      child.stdin?.write(`${name}\n`);
      const { value } = await Promise.race([lines.next(), ended]);
      return value === undefined ? await ended : (JSON.parse(value) as Reply);
    },
    stop: (): void => {
      child.kill('SIGKILL');
    },
  };
};

type Contender = ReturnType<typeof startContender>;

const startContenders = (workbench: Workbench, peers: Peers, casesFile: string): Record<string, Contender> => {
  const { directory, environment } = workbench;
  const start = (args: string[], more: Partial<Command> = {}): Contender =>
    startContender({ args: [...args, casesFile], cwd: directory, environment: environment(), ...more });
  const { transformersFolder, python } = peers;
  return {
    product: start([path.join(directory, 'scripts/answer.mjs'), path.join(directory, 'infer/handler.mjs')]),
    ...(transformersFolder !== undefined && { transformers: start([path.join(peersFolder, 'warm.mjs')]) }),
    ...(python !== undefined && {
      python: start([path.join(pythonFolder, 'warm.py')], { program: python, cwd: pythonFolder }),
    }),
  };
};

/** The time of the product over that of the faster rival of each round. */
const overFaster = ({ product = [], ...rivals }: Record<string, number[]>): Figure =>
  toRatio(
    product,
    product.map((_, round) => Math.min(...Object.values(rivals).map((ms) => ms[round] ?? Infinity))),
  );

/** Warm requests to the packaged infer beside the same work by transformers.js and by Python, in turn. */
export const measureRivals = async (
  workbench: Workbench,
  peers: Peers,
  miniLm: string | undefined,
  rounds: number,
): Promise<Results> => {
  const cases = await casesOf(miniLm, workbench.directory);
  for (const [name, { folder }] of Object.entries(cases))
    if (folder !== sampleFolder) await workbench.push(folder, name);
  const casesFile = path.join(workbench.directory, 'rivals.json');
  await writeFile(casesFile, JSON.stringify(cases));
  const contenders = startContenders(workbench, peers, casesFile);
  const [figures, times]: [Record<string, Figure>, Record<string, Figure>] = [{}, {}];
  try {
    for (const [name, { measure, part, keys, tolerance }] of Object.entries(cases)) {
      const expected = (await contenders.product?.answer(name))?.answer;
      const measured = await measureInTurn(
        { rounds, repeats: 3 },
        Object.fromEntries(
          Object.entries(contenders).map(([who, contender]) => [
            who,
            async () => {
              const { ms, answer } = await contender.answer(name);
              assertSame(part(answer), part(expected), keys, tolerance);
              return ms;
            },
          ]),
        ),
      );
      if (Object.keys(measured).length > 1) figures[measure] = overFaster(measured);
      for (const [who, ms] of Object.entries(measured)) times[`${name}, ${who}`] = toFigure(ms);
    }
  } finally {
    for (const contender of Object.values(contenders)) contender.stop();
  }
  return { figures, times };
};
