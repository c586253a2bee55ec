import { writeFileSync } from 'node:fs';
import { peakMemory } from '../../../src/authoring/process-memory.ts';
import { ServingError } from '../../../src/core/errors.ts';
import { fieldOf, itemsOf, numbersOf } from '../../../src/formats/pickle/arrays.ts';
import { describe } from '../../../src/formats/pickle/describe.ts';
import { readPickle } from '../../../src/formats/pickle/read-pickle.ts';
import { isNumpyArray, type NumpyArray, PyObject, PyTuple, type PyValue } from '../../../src/formats/pickle/values.ts';
import { readSkops } from '../../../src/formats/skops/read-skops.ts';
import { ARCHIVES } from './archives.ts';
import { BOMBS } from './bombs.ts';
import { CALLS } from './calls.ts';
import { type Damaged, flipped, opcodes, truncated } from './damaged.ts';

/** Reads the corpus in a process that may read files, and do nothing else. It prints a line of JSON for each file or group of files. */

const READERS = { pickle: readPickle, skops: readSkops };

const partsOf = (value: PyValue): readonly PyValue[] => {
  if (Array.isArray(value)) return value;
  if (value instanceof PyTuple) return value.items;
  if (value instanceof Map) return [...value].flat();
  if (value instanceof Set) return [...value];
  if (value instanceof PyObject) return [value.state, ...value.args];
  return isNumpyArray(value) && !(value.content instanceof Uint8Array) ? value.content : [];
};

const refusals: string[] = [];

/** Tells whether `use` refuses. Any error but a refusal is thrown, and one that has the cause of another kind is noted. */
const isRefused = (use: () => unknown): boolean => {
  try {
    use();
    return false;
  } catch (error) {
    if (!(error instanceof ServingError) || error.code !== 'MODEL_INVALID') throw error;
    let { cause } = error;
    while (cause instanceof ServingError) cause = cause.cause;
    if (cause instanceof Error) refusals.push(cause.message);
    return true;
  }
};

const useArray = (array: NumpyArray): void => {
  isRefused(() => itemsOf(array));
  isRefused(() => numbersOf(array));
  for (const name of array.type.fields?.keys() ?? []) isRefused(() => fieldOf(array, name));
};

/** Uses a value and its parts, each once, as converters do. */
const use = (root: PyValue): void => {
  const seen = new Set<PyValue>([root]);
  for (const value of seen) {
    describe(value);
    if (isNumpyArray(value)) useArray(value);
    for (const part of partsOf(value)) if (typeof part === 'object') seen.add(part);
  }
};

/** Reads a file and uses its value. */
const readFile = ([format, bytes]: Damaged): 'read' | 'refused' => {
  let value: PyValue = null;
  if (isRefused(() => (value = READERS[format](bytes)))) return 'refused';
  use(value);
  return 'read';
};

const report = (line: object): void => console.log(JSON.stringify(line));

/** Reads files one by one, with the CPU time of the slowest. */
const readGroup = (name: string, files: Iterable<Damaged>): void => {
  const outcomes = { read: 0, refused: 0 };
  let slowestMs = 0;
  gc?.();
  report({ name, isStarted: true });
  for (const file of files) {
    const start = process.cpuUsage();
    outcomes[readFile(file)] += 1;
    const { user, system } = process.cpuUsage(start);
    slowestMs = Math.max(slowestMs, (user + system) / 1000);
  }
  report({ name, ...outcomes, slowestMs, peakBytes: peakMemory() });
};

const isDenied = (): boolean => {
  try {
    writeFileSync('canary', '');
    return false;
  } catch {
    return true;
  }
};

report({ name: 'guard', isDenied: isDenied() });
for (const { name, format, make } of [...CALLS, ...BOMBS, ...ARCHIVES])
  readGroup(`${format}: ${name}`, [[format, make()]]);
readGroup('cut after every byte', truncated());
readGroup('every opcode', opcodes());
readGroup('bytes that differ', flipped(2000));
report({
  name: 'end',
  polluted: [...Object.keys(Object.prototype), ...('polluted' in {} ? ['polluted'] : [])],
  causes: [...new Set(refusals)],
});
