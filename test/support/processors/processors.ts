import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { deserialize } from 'node:v8';
import type { ReplayedGraph } from './recorded-graph.ts';

const run = promisify(execFile);

/** Processors by their newest vector instructions, and the model by which the emulator knows them. It has none with AVX-512: this machine has. */
export const PROCESSORS = { 'SSE4.2': 'Nehalem', AVX2: 'Haswell', 'AVX-512': undefined } as const;

export type ProcessorName = keyof typeof PROCESSORS;

export const isProcessorName = (name: string): name is ProcessorName => Object.hasOwn(PROCESSORS, name);

/** Keeps runs of the graphs in `folder`: so many of each, of different feeds. */
export const recordRuns = async (folder: string, most: number): Promise<void> => {
  await run(process.execPath, [join(import.meta.dirname, 'record-runs.ts'), folder, String(most)]);
};

/** Repeats the runs of `folder` on this machine, or on the emulator's processor `model`. */
export const replayRuns = async (folder: string, model?: string): Promise<ReplayedGraph[]> => {
  const target = join(folder, `${model ?? 'host'}.outputs`);
  const command = [process.execPath, join(import.meta.dirname, 'replay-runs.ts'), folder, target];
  const [file = '', ...rest] = model === undefined ? command : ['qemu-x86_64', '-cpu', model, ...command];
  await run(file, rest);
  return deserialize(await readFile(target));
};

/** @throws when this machine lacks what `names` need */
export const assertAvailable = async (names: readonly ProcessorName[]): Promise<void> => {
  if (process.platform !== 'linux' || process.arch !== 'x64')
    throw new Error(`this is ${process.platform} on ${process.arch}, and the processors are compared on Linux on x64`);
  if (names.includes('AVX-512') && !(await readFile('/proc/cpuinfo', 'utf8')).includes('avx512f'))
    throw new Error('this processor has no AVX-512, and the emulator has none either: use another machine');
  await run('qemu-x86_64', ['--version']).catch((error: unknown) => {
    throw new Error('qemu-x86_64 does not run: install the Debian package qemu-user', { cause: error });
  });
};
