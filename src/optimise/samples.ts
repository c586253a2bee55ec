import { createHash } from 'node:crypto';
import { readdir, readFile, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { refuse, ServingError } from '../core/errors.ts';
import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';
import { parseObject } from '../serving/inputs.ts';
import type { Sample } from './measuring/jobs.ts';

/** All samples are in memory at once. */
const MOST_SAMPLES = 10_000;

export interface Samples {
  readonly samples: readonly Sample[];
  /** The hash of all files in their order, in lower-case hexadecimal. */
  readonly sha256: string;
}

const parseLine = (line: string, name: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return refuse('INVALID_REQUEST', `${name} is no JSON: ${show(line)}`);
  }
};

/** A line of JSON Lines: `{"inputs": …, "label"?}`, or the inputs themselves. */
const fromJson = (line: string, name: string): Sample => {
  const value = parseLine(line, name);
  if (!isObject(value) || !('inputs' in value)) return { name, payload: { inputs: value, parameters: {} } };
  const { inputs, parameters, label } = value;
  const payload = { inputs, parameters: isObject(parameters) ? parameters : {} };
  return { name, payload, ...(label !== undefined && { label: String(label) }) };
};

/** A line of tab-separated values: a text, and perhaps its label. */
const fromTabs = (line: string, name: string): Sample => {
  const [text, label] = line.split('\t');
  return { name, payload: { inputs: text, parameters: {} }, ...(label !== undefined && { label }) };
};

/** A record of comma-separated values, below the header. */
const fromRecord = (line: string, name: string, header: string): Sample => ({
  name,
  payload: { inputs: Buffer.from(`${header}\n${line}\n`), contentType: 'text/csv', parameters: {} },
});

const fromFile = async (path: string, bytes: Buffer, label?: string): Promise<Sample[]> => {
  const lines = (): string[] => bytes.toString('utf8').split(/\r?\n/);
  const named = <T>(list: readonly string[], first: number, make: (line: string, name: string) => T): T[] =>
    list.flatMap((line, index) => (line.trim() === '' ? [] : [make(line, `${path}:${index + first}`)]));
  switch (extname(path).toLowerCase()) {
    case '.jsonl':
      return named(lines(), 1, fromJson);
    case '.tsv':
      return named(lines(), 1, fromTabs);
    case '.csv': {
      const [header = '', ...records] = lines();
      return named(records, 2, (line, name) => fromRecord(line, name, header));
    }
    default:
      return [{ name: path, payload: await parseObject(path, bytes), ...(label !== undefined && { label }) }];
  }
};

/** The files below `path`, each with the name of its folder where that is a label. */
const listFiles = async (path: string): Promise<{ readonly path: string; readonly label?: string }[]> => {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined) throw new ServingError('NOT_FOUND', `--data ${path} is no file or folder`);
  if (!found.isDirectory()) return [{ path }];
  const entries = await readdir(path, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && !entry.name.startsWith('.'))
    .map((entry) => ({
      path: join(entry.parentPath, entry.name),
      ...(entry.parentPath !== path && { label: basename(entry.parentPath) }),
    }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
};

/**
 * Reads samples: a line of a `.jsonl`, `.tsv` or `.csv` file is one, and so is any other file. The name of a folder below `path` is the
 * label of its files.
 * @throws `NOT_FOUND`, `INVALID_REQUEST` naming the line
 */
export const readSamples = async (path: string): Promise<Samples> => {
  const hash = createHash('sha256');
  const samples: Sample[] = [];
  for (const file of await listFiles(path)) {
    const bytes = await readFile(file.path);
    hash.update(bytes);
    samples.push(...(await fromFile(file.path, bytes, file.label)));
    if (samples.length > MOST_SAMPLES)
      refuse('INVALID_REQUEST', `--data ${path} has more than ${MOST_SAMPLES} samples; name a part of them`);
  }
  if (samples.length === 0)
    refuse('INVALID_REQUEST', `--data ${path} has no samples; expected files, or lines of a .jsonl, .tsv or .csv file`);
  return { samples, sha256: hash.digest('hex') };
};
