import { type ModelEdit, messageField } from './edit-model.ts';
import { type OnnxModel, parsing } from './onnx-model.ts';
import { type Field, fields, readIntegers, textOf } from './protobuf.ts';
import { ATTRIBUTE, GRAPH, MODEL, NODE, VALUE_INFO } from './schema.ts';
import { encodeValueInfo } from './tensor-proto.ts';

interface ZipMap {
  readonly input: string;
  readonly output: string;
  readonly classes: readonly string[];
}

export const isGraph = ({ number }: Field): boolean => number === MODEL.graph;
export const isNode = ({ number }: Field): boolean => number === GRAPH.node;
const isZipMap = (field: Field): boolean => isNode(field) && textOf(field.value, NODE.operator) === 'ZipMap';

/** `classlabels_strings`, `classlabels_int64s` (ZipMap) or `classlabels_ints` (classifiers) of a node. */
export const classesOfNode = (node: Buffer): string[] => {
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

/** The tensor that goes into a ZipMap, float32[N,classes], in the place of its output. */
const replaceOutput = (field: Field, zipMaps: readonly ZipMap[]): Field => {
  const name = textOf(field.value, VALUE_INFO.name);
  const zipMap = zipMaps.find(({ output }) => output === name);
  if (zipMap === undefined) return field;
  return messageField(GRAPH.output, encodeValueInfo(zipMap.input, 'float32', ['', zipMap.classes.length]));
};

/**
 * Removes ZipMap. skl2onnx puts ZipMap behind a classifier unless it is told `zipmap=False`. The operator turns the tensor of probabilities
 * into a list of maps, which onnxruntime-node cannot hand over. The tensor itself becomes the output. Every other byte stays.
 */
export const withoutZipMap: ModelEdit = (parts) => {
  const zipMaps = parts.graph.filter(isZipMap).map(readZipMap);
  if (zipMaps.length === 0) return parts;
  const others = parts.graph.filter((field) => !isZipMap(field));
  return {
    ...parts,
    graph: others.map((field) => (field.number === GRAPH.output ? replaceOutput(field, zipMaps) : field)),
  };
};

/**
 * The classes of a scikit-learn model, in the order of their scores: those of its ZipMap, else those of its classifiers; undefined when these
 * name none, or different ones.
 * @throws `MODEL_INVALID` when a message of the model is damaged
 */
export const findClasses = (model: OnnxModel): string[] | undefined =>
  parsing(() => {
    const nodes = model.fields.filter(isGraph).flatMap(({ value }) => [...fields(value)].filter(isNode));
    const zipMaps = nodes.filter(isZipMap);
    const named = (zipMaps.length > 0 ? zipMaps : nodes)
      .map(({ value }) => classesOfNode(value))
      .filter(({ length }) => length > 0);
    const [first] = named;
    return named.every((classes) => JSON.stringify(classes) === JSON.stringify(first)) ? first : undefined;
  });
