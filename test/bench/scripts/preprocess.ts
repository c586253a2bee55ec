/** The product's preprocessing beside other libraries: does a piece of work per line of stdin, and writes its time and its result to the descriptor 3. */
import { readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { createLogMel } from '../../../src/media/audio/log-mel.ts';
import { createTokenizer } from '../../../src/media/text/tokenizer.ts';
import type { PreprocessingCases } from '../measurements/preprocessing.ts';

const [, , casesPath = ''] = process.argv;
const readJson = (file: string): unknown => JSON.parse(readFileSync(file, 'utf8'));
const { texts, tokenizers, sound } = readJson(casesPath) as PreprocessingCases;

type Work = () => ArrayLike<number>;

const openTokenizer = (folder: string): Work => {
  const [json, config] = ['tokenizer.json', 'tokenizer_config.json'].map((name) => readJson(path.join(folder, name)));
  const tokenizer = createTokenizer(json, config);
  return () => texts.flatMap((text) => tokenizer.encode(text).ids);
};

const openLogMel = (): Work => {
  const bytes = readFileSync(sound.path);
  const samples = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / Float32Array.BYTES_PER_ELEMENT);
  const toLogMel = createLogMel(sound.bins, sound.frames);
  return () => toLogMel(samples);
};

const opened = new Map<string, Work>();
for await (const name of createInterface({ input: process.stdin })) {
  const folder = tokenizers[name];
  const work = opened.get(name) ?? (folder === undefined ? openLogMel() : openTokenizer(folder));
  opened.set(name, work);
  const startMs = performance.now();
  const answer = work();
  const ms = performance.now() - startMs;
  writeSync(3, `${JSON.stringify({ ms, answer: Array.from(answer) })}\n`);
}
