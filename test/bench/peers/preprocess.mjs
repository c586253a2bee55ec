/** Tokenizing by transformers.js: a tokenizer's name per line of stdin, times and ids to the descriptor 3. */
import { readFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { AutoTokenizer, env } from '@huggingface/transformers';

env.allowRemoteModels = false;
const { texts, tokenizers } = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const opened = {};
for await (const name of createInterface({ input: process.stdin })) {
  env.localModelPath = `${path.dirname(tokenizers[name])}/`;
  opened[name] ??= await AutoTokenizer.from_pretrained(path.basename(tokenizers[name]));
  const startMs = performance.now();
  const answer = texts.flatMap((text) => opened[name].encode(text));
  const ms = performance.now() - startMs;
  writeSync(3, `${JSON.stringify({ ms, answer })}\n`);
}
