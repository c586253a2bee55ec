import { bitsOf, dataTypeName } from './data-types.ts';
import { type OnnxModel, parsing } from './onnx-model.ts';
import { type Field, fields, readIntegers } from './protobuf.ts';
import { EXTERNAL, FUNCTION, GRAPH, MODEL, NODE, OPSET, TENSOR } from './schema.ts';
import { messagesOf } from './tensor-parents.ts';
import { type DeclaredValue, integerOf, readValueInfo, textOf } from './value-info.ts';

/** An operator of a graph. The domain of ONNX's own is empty. */
export interface OperatorCount {
  readonly domain: string;
  readonly name: string;
  readonly count: number;
}

/** A tensor that the file holds, or that lies beside it. */
export interface StoredTensor {
  readonly name: string;
  readonly type: string;
  readonly shape: readonly number[];
  readonly elements: number;
  /** 0 for strings, whose sizes are not read. */
  readonly bytes: number;
  /** True when its elements lie in another file. */
  readonly isExternal: boolean;
}

/** An ONNX file, as far as it can be told without its weights. */
export interface ModelDescription {
  readonly irVersion: number;
  /** The program that wrote it, with its version. */
  readonly producer: string;
  /** Versions of operator sets by domain. */
  readonly opsets: Readonly<Record<string, number>>;
  /** Operators of all graphs and functions, the most frequent first. */
  readonly operators: readonly OperatorCount[];
  /** Names of the functions of the model, with their domains. */
  readonly functions: readonly string[];
  readonly inputs: readonly DeclaredValue[];
  readonly outputs: readonly DeclaredValue[];
  readonly tensors: readonly StoredTensor[];
  readonly metadata: Readonly<Record<string, string>>;
  readonly externalData: readonly string[];
}

/** The domain of ONNX's own operators has two names. */
const domainOf = (message: Iterable<Field>, field: number): string => {
  const domain = textOf(message, field);
  return domain === 'ai.onnx' ? '' : domain;
};

/** `com.microsoft.Gelu`; the domain of ONNX's own operators is left out. */
export const operatorName = ({ domain, name }: Pick<OperatorCount, 'domain' | 'name'>): string =>
  domain === '' ? name : `${domain}.${name}`;

const describeTensor = (tensor: Buffer): StoredTensor => {
  const all = [...fields(tensor)];
  const shape = all.flatMap(({ number, value }) =>
    number === TENSOR.dimensions ? readIntegers(value).map((size) => Number(size)) : [],
  );
  const type = dataTypeName(integerOf(all, TENSOR.dataType));
  const elements = shape.reduce((product, size) => product * size, 1);
  const bytes = Math.ceil((elements * bitsOf(type)) / 8);
  const isExternal = integerOf(all, TENSOR.dataLocation) === EXTERNAL;
  return { name: textOf(all, TENSOR.name), type, shape, elements, bytes, isExternal };
};

const contents = (message: Iterable<Field>, wanted: number): Buffer[] =>
  [...message].flatMap(({ number, value }) => (number === wanted ? [value] : []));

const readOpsets = (all: readonly Field[]): Record<string, number> =>
  Object.fromEntries(
    contents(all, MODEL.opsetImport).map((opset) => [
      domainOf(fields(opset), OPSET.domain),
      integerOf(fields(opset), OPSET.version),
    ]),
  );

/** Inputs of a graph of IR 3 repeat the names of its weights. */
const declaredInputs = (graph: readonly Field[], tensors: readonly StoredTensor[]): DeclaredValue[] => {
  const weights = new Set(tensors.map(({ name }) => name));
  return contents(graph, GRAPH.input)
    .map(readValueInfo)
    .filter(({ name }) => !weights.has(name));
};

/** @throws `MODEL_INVALID` when a message of the model is damaged */
export const describeModel = ({ fields: all, metadata, externalData }: OnnxModel): ModelDescription =>
  parsing(() => {
    const operators = new Map<string, OperatorCount>();
    const tensors: StoredTensor[] = [];
    for (const { kind, value } of messagesOf('Model', all)) {
      if (kind === 'Tensor') tensors.push(describeTensor(value));
      if (kind !== 'Node') continue;
      const operator = { domain: domainOf(fields(value), NODE.domain), name: textOf(fields(value), NODE.operator) };
      const key = operatorName(operator);
      operators.set(key, { ...operator, count: (operators.get(key)?.count ?? 0) + 1 });
    }
    const graph = contents(all, MODEL.graph).flatMap((value) => [...fields(value)]);
    return {
      irVersion: integerOf(all, MODEL.irVersion),
      producer: [MODEL.producer, MODEL.producerVersion]
        .map((field) => textOf(all, field))
        .join(' ')
        .trim(),
      opsets: readOpsets(all),
      operators: [...operators.values()].sort((a, b) => b.count - a.count),
      functions: contents(all, MODEL.function).map((value) =>
        operatorName({
          domain: domainOf(fields(value), FUNCTION.domain),
          name: textOf(fields(value), FUNCTION.name),
        }),
      ),
      inputs: declaredInputs(graph, tensors),
      outputs: contents(graph, GRAPH.output).map(readValueInfo),
      tensors,
      metadata: Object.fromEntries(metadata),
      externalData,
    };
  });
