import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { peakMemory } from '../../../src/authoring/process-memory.ts';
import { ServingError } from '../../../src/core/errors.ts';
import { fieldOf, itemsOf, numbersOf } from '../../../src/formats/pickle/arrays.ts';
import { describe } from '../../../src/formats/pickle/describe.ts';
import { readPickle } from '../../../src/formats/pickle/read-pickle.ts';
import { isNumpyArray, type NumpyArray, PyObject, PyTuple, type PyValue } from '../../../src/formats/pickle/values.ts';
import { importPythonModel } from '../../../src/formats/python-model.ts';
import { readSkops } from '../../../src/formats/skops/read-skops.ts';
import { ARCHIVES } from './archives.ts';
import { BOMBS } from './bombs.ts';
import { CALLS } from './calls.ts';
import { type Damaged, flipped, opcodes, truncated } from './damaged.ts';
import { SHARED } from './shared.ts';

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

const causes = new Set<string>();

/** The message with which `use` refuses; undefined if it does not. Any error but a refusal is thrown, and the cause of another kind is noted. */
const refusalOf = (use: () => unknown): string | undefined => {
  try {
    use();
    return undefined;
  } catch (error) {
    if (!(error instanceof ServingError) || error.code !== 'MODEL_INVALID') throw error;
    let { cause } = error;
    while (cause instanceof ServingError) cause = cause.cause;
    if (cause instanceof Error) causes.add(cause.message);
    return error.message;
  }
};

const useArray = (array: NumpyArray): void => {
  refusalOf(() => itemsOf(array));
  refusalOf(() => numbersOf(array));
  for (const name of array.type.fields?.keys() ?? []) refusalOf(() => fieldOf(array, name));
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

/** What became of a file: `read` is data that no converter takes for a model. */
type Outcome = 'read' | 'refused' | 'converted';

/** Reads a file, uses its value, and converts it as `push` does. */
const readFile = ([format, bytes]: Damaged): { outcome: Outcome; message?: string } => {
  let value: PyValue = null;
  const unread = refusalOf(() => (value = READERS[format](bytes)));
  if (unread !== undefined) return { outcome: 'refused', message: unread };
  use(value);
  const unconverted = refusalOf(() => importPythonModel(value));
  return unconverted === undefined ? { outcome: 'converted' } : { outcome: 'read', message: unconverted };
};

const report = (line: object): void => console.log(JSON.stringify(line));

/** Reads files one by one, with the CPU time of the slowest, and the message of the last that was refused. */
const readGroup = (name: string, files: Iterable<Damaged>): void => {
  const outcomes = { read: 0, refused: 0, converted: 0 };
  let [slowestMs, last] = [0, ''];
  gc?.();
  report({ name, isStarted: true });
  for (const file of files) {
    const start = process.cpuUsage();
    const { outcome, message = '' } = readFile(file);
    outcomes[outcome] += 1;
    last = message;
    const { user, system } = process.cpuUsage(start);
    slowestMs = Math.max(slowestMs, (user + system) / 1000);
  }
  report({ name, ...outcomes, message: last, slowestMs, peakBytes: peakMemory() });
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
const hashes = new Set<string>();
for (const { name, format, make } of [...CALLS, ...BOMBS, ...SHARED, ...ARCHIVES]) {
  const bytes = make();
  hashes.add(createHash('sha256').update(bytes).digest('hex'));
  readGroup(`${format}: ${name}`, [[format, bytes]]);
}
readGroup('cut after every byte', truncated());
readGroup('every opcode', opcodes());
readGroup('bytes that differ', flipped(2000));
report({
  name: 'end',
  polluted: [...Object.keys(Object.prototype), ...('polluted' in {} ? ['polluted'] : [])],
  causes: [...causes],
  differentFiles: hashes.size,
});
