import { readEntry } from './entry.ts';
import { type Field, fields } from './protobuf.ts';
import { EXTERNAL, TENSOR } from './schema.ts';
import { messagesOf } from './tensor-parents.ts';

function* tensorLocations(tensor: Buffer): Generator<string> {
  const known = [...fields(tensor)];
  if (!known.some(({ number, value }) => number === TENSOR.dataLocation && value[0] === EXTERNAL)) return;
  for (const { number, value } of known) {
    if (number !== TENSOR.externalData) continue;
    const [key, location] = readEntry(value);
    if (key === 'location') yield location;
  }
}

function* locations(model: Iterable<Field>): Generator<string> {
  for (const { kind, value } of messagesOf('Model', model)) if (kind === 'Tensor') yield* tensorLocations(value);
}

/** The files from which a model takes weights, relative to the folder of its file, each once. @throws `RangeError` when a message is damaged */
export const externalDataOf = (model: Iterable<Field>): string[] => [...new Set(locations(model))];
