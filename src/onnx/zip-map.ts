import { ServingError } from '../core/errors.ts';
import { type Field, fields, readIntegers, toField } from './protobuf.ts';

/** Field numbers. https://github.com/onnx/onnx/blob/main/onnx/onnx.proto */
const MODEL = { graph: 7 };
const GRAPH = { node: 1, output: 12 };
const NODE = { input: 1, output: 2, operator: 4, attribute: 5 };
const ATTRIBUTE = { name: 1, integers: 8, strings: 9 };
const VALUE_INFO = { name: 1, type: 2 };
const TYPE = { tensor: 1 };
const TENSOR_TYPE = { element: 1, shape: 2 };
const SHAPE = { dimension: 1 };
const DIMENSION = { value: 1 };
const FLOAT = 1;

interface ZipMap {
  readonly input: string;
  readonly output: string;
  readonly classes: readonly string[];
}

const textOf = (message: Buffer, field: number): string | undefined => {
  for (const { number, value } of fields(message)) if (number === field) return value.toString();
  return undefined;
};

const isZipMap = ({ number, value }: Field): boolean =>
  number === GRAPH.node && textOf(value, NODE.operator) === 'ZipMap';

/** `classlabels_strings`, `classlabels_int64s` (ZipMap) or `classlabels_ints` (classifiers) of a node. */
const classesOfNode = (node: Buffer): string[] => {
  for (const { number, value: attribute } of fields(node)) {
    if (number !== NODE.attribute || !textOf(attribute, ATTRIBUTE.name)?.startsWith('classlabels_')) continue;
    return [...fields(attribute)].flatMap((field) => {
      if (field.number === ATTRIBUTE.strings) return [field.value.toString()];
      return field.number === ATTRIBUTE.integers ? readIntegers(field.value).map(String) : [];
    });
  }
  return [];
};

const readZipMap = ({ value: node }: Field): ZipMap => ({
  input: textOf(node, NODE.input) ?? '',
  output: textOf(node, NODE.output) ?? '',
  classes: classesOfNode(node),
});

/** An output `name` float32[N,classes]: the only tensor that ZipMap takes. */
const scoresOutput = (name: string, classes: number): Buffer => {
  const dimensions = [Buffer.alloc(0), toField(DIMENSION.value, classes)].map((size) => toField(SHAPE.dimension, size));
  const tensor = [toField(TENSOR_TYPE.element, FLOAT), toField(TENSOR_TYPE.shape, Buffer.concat(dimensions))];
  const type = toField(VALUE_INFO.type, toField(TYPE.tensor, Buffer.concat(tensor)));
  return toField(GRAPH.output, Buffer.concat([toField(VALUE_INFO.name, Buffer.from(name)), type]));
};

const replaceOutput = (field: Field, zipMaps: readonly ZipMap[]): Buffer => {
  const name = textOf(field.value, VALUE_INFO.name);
  const zipMap = zipMaps.find(({ output }) => output === name);
  return zipMap ? scoresOutput(zipMap.input, zipMap.classes.length) : field.bytes;
};

const withTensorOutputs = (graph: Buffer): Buffer | undefined => {
  const all = [...fields(graph)];
  const zipMaps = all.filter(isZipMap).map(readZipMap);
  if (zipMaps.length === 0) return undefined;
  return Buffer.concat(
    all
      .filter((field) => !isZipMap(field))
      .map((field) => (field.number === GRAPH.output ? replaceOutput(field, zipMaps) : field.bytes)),
  );
};

const parsing = <T>(read: () => T): T => {
  try {
    return read();
  } catch (error) {
    throw new ServingError('MODEL_INVALID', 'it is not an ONNX file, or was cut short', { cause: error });
  }
};

/**
 * The same model without the ZipMap that skl2onnx puts behind a classifier unless it is told `zipmap=False`: that operator turns the tensor of
 * probabilities into a list of maps, which onnxruntime-node cannot hand over. The tensor itself becomes the output. Every other byte stays.
 * Undefined for a model that has none.
 *
 * @throws `MODEL_INVALID` when `model` is no ONNX file
 */
export const withoutZipMap = (model: Buffer): Buffer | undefined =>
  parsing(() => {
    let isChanged = false;
    const parts = [...fields(model)].map((field) => {
      const graph = field.number === MODEL.graph ? withTensorOutputs(field.value) : undefined;
      if (graph === undefined) return field.bytes;
      isChanged = true;
      return toField(MODEL.graph, graph);
    });
    return isChanged ? Buffer.concat(parts) : undefined;
  });

/**
 * The classes of a scikit-learn model, in the order of their scores: as its ZipMap names them, else its classifiers; undefined when those
 * name none, or different ones.
 * @throws `MODEL_INVALID` when `model` is no ONNX file
 */
export const findClasses = (model: Buffer): string[] | undefined =>
  parsing(() => {
    const graphs = [...fields(model)].filter(({ number }) => number === MODEL.graph);
    const nodes = graphs.flatMap(({ value }) => [...fields(value)].filter(({ number }) => number === GRAPH.node));
    const zipMaps = nodes.filter(isZipMap);
    const named = (zipMaps.length > 0 ? zipMaps : nodes)
      .map(({ value }) => classesOfNode(value))
      .filter(({ length }) => length > 0);
    const [first] = named;
    return named.every((classes) => JSON.stringify(classes) === JSON.stringify(first)) ? first : undefined;
  });
