import { ServingError } from '../../core/errors.ts';
import { Budget } from './budget.ts';
import { ByteReader } from './byte-reader.ts';
import { decompress } from './decompress.ts';
import { Machine } from './machine.ts';
import { CONTAINERS } from './opcodes/containers.ts';
import { OBJECTS } from './opcodes/objects.ts';
import type { Opcodes } from './opcodes/opcode.ts';
import { SCALARS } from './opcodes/scalars.ts';
import { STACK } from './opcodes/stack.ts';
import { refuse } from './refuse.ts';
import type { PyValue } from './values.ts';

const OPCODES: Opcodes = { ...SCALARS, ...CONTAINERS, ...OBJECTS, ...STACK };

/** The number that a file of `torch.save` before 1.6 starts with. */
const PYTORCH_MAGIC = 0x1950a86a20f9469cfc6cn;

/** Runs the opcodes of one pickle. It does not recurse, but for an array of joblib, whose elements hold no further one. */
const run = (machine: Machine): PyValue => {
  const { reader } = machine;
  while (!machine.isEnded) {
    const code = reader.uint8();
    const opcode = OPCODES[code];
    if (opcode === undefined)
      return refuse(`it is damaged: opcode 0x${code.toString(16)} at byte ${reader.offset - 1}`);
    opcode(machine);
  }
  return machine.pop();
};

/** Reads a whole file. Its end is that of the first pickle. */
const readAll = (bytes: Uint8Array): PyValue => {
  const reader = new ByteReader(bytes);
  const budget = new Budget(bytes.length);
  const value = run(new Machine(reader, budget, () => run(new Machine(reader, budget))));
  if (value === PYTORCH_MAGIC)
    return refuse('it is a file of torch.save; export the model with torch.onnx.export(model, example, "model.onnx")');
  if (reader.left > 0)
    return refuse(
      `${reader.left} bytes follow the first pickle; expected one model in a file: save them in a file each`,
    );
  return value;
};

/**
 * Reads a file of `pickle.dump` (protocols 0 to 5) or `joblib.dump` (without compression, zlib, gzip) as inert data. Classes and functions
 * stay names. Nothing is looked up, and only constructors of plain data and arrays are applied. Memory is bounded by the size of the file.
 *
 * @throws `MODEL_INVALID` for a file that is none, is damaged, or takes too much memory
 */
export const readPickle = (bytes: Uint8Array): PyValue => {
  try {
    return readAll(decompress(bytes));
  } catch (error) {
    if (error instanceof ServingError) throw error;
    return refuse('it is damaged, or larger than can be read', error);
  }
};
