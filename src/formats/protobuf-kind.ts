import type { ByteSource } from '../core/byte-source.ts';
import { createFieldReader, type FieldPlace, WIRE_LENGTH_DELIMITED } from '../onnx/field-reader.ts';
import { MODEL } from '../onnx/schema.ts';

/** A file that is one message of Protobuf. */
export type ProtobufKind = 'onnx' | 'tensorflow-saved-model' | 'tensorflow-graph' | 'core-ml' | 'paddle';

/** A frozen graph of TensorFlow has a field for each node. */
const MOST_FIELDS = 1_000_000;

/** The fields of the file, without their contents; undefined when it is no message. */
const readPlaces = (source: ByteSource): readonly FieldPlace[] | undefined => {
  const reader = createFieldReader(source);
  const places: FieldPlace[] = [];
  try {
    for (let offset = 0; offset < source.sizeBytes && places.length < MOST_FIELDS; offset = places.at(-1)?.to ?? 0)
      places.push(reader.field(offset, source.sizeBytes));
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
  return places;
};

/** Fields of `ModelProto`, with those that have no place in `MODEL`: domain, version, text, training and devices. */
const ONNX_FIELDS: ReadonlySet<number> = new Set([...Object.values(MODEL), 4, 5, 6, 20, 26]);
/** `Model` of Core ML has a field from 200 on for the kind of model. */
const CORE_ML_KINDS = 200;
/** First byte of `NodeDef` (its name) and of Paddle's `BlockDesc` (its index). */
const [NODE_DEF, BLOCK_DESC] = [0x0a, 0x08];

/** The kind of a file by its fields. `head` is its begin. */
export const protobufKind = (source: ByteSource, head: Buffer): ProtobufKind | undefined => {
  const [first] = head;
  if (first === undefined || first % 8 > 2 || first === 0) return undefined;
  const places = readPlaces(source);
  const [place] = places ?? [];
  if (places === undefined || place === undefined) return undefined;
  const numbers = new Set(places.map(({ number }) => number));
  const isWithin = (known: ReadonlySet<number>): boolean => [...numbers].every((number) => known.has(number));
  const graph = places.find(({ number }) => number === MODEL.graph);
  if (graph?.wire === WIRE_LENGTH_DELIMITED && isWithin(ONNX_FIELDS)) return 'onnx';
  if (place.number !== 1) return undefined;
  if (place.wire !== WIRE_LENGTH_DELIMITED) {
    if ([...numbers].some((number) => number >= CORE_ML_KINDS)) return 'core-ml';
    return numbers.size === 2 && numbers.has(2) ? 'tensorflow-saved-model' : undefined;
  }
  if (!isWithin(new Set([1, 2, 3, 4, 5]))) return undefined;
  const [content] = source.read(place.from, 1);
  if (content === NODE_DEF) return 'tensorflow-graph';
  return content === BLOCK_DESC ? 'paddle' : undefined;
};
