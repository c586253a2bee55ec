import { formatBytes } from '../../src/core/format-bytes.ts';
import { type ModelDescription, operatorName, type StoredTensor } from '../../src/onnx/describe-model.ts';
import { formatDeclared } from '../../src/onnx/value-info.ts';
import { formatFields } from './format.ts';

/** Most lines for one thing. */
const MOST_LINES = 40;
const MOST_TENSORS = 8;
const LONGEST_TEXT = 120;

const firstOf = (lines: readonly string[]): string[] =>
  lines.length <= MOST_LINES
    ? [...lines]
    : [...lines.slice(0, MOST_LINES), `… and ${lines.length - MOST_LINES} more (--json shows all)`];

const sumOf = (tensors: readonly StoredTensor[], figure: 'elements' | 'bytes'): number =>
  tensors.reduce((sum, tensor) => sum + tensor[figure], 0);

const plural = (count: number, what: string): string =>
  `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

const formatTensor = ({ name, type, shape, bytes, isExternal }: StoredTensor): string =>
  `${name} ${type}[${shape.join(',')}], ${formatBytes(bytes)}${isExternal ? ' in another file' : ''}`;

const describeWeights = (tensors: readonly StoredTensor[]): string[] =>
  [...Map.groupBy(tensors, ({ type }) => type)].map(
    ([type, members]) =>
      `${type}: ${plural(sumOf(members, 'elements'), 'number')}, ${formatBytes(sumOf(members, 'bytes'))} in ${plural(members.length, 'tensor')}`,
  );

const shorten = (text: string): string => (text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text);

/** An ONNX file for people. */
export const formatDescription = (description: ModelDescription): string => {
  const { irVersion, producer, opsets, operators, functions, inputs, outputs, tensors, metadata } = description;
  const largest = [...tensors].sort((a, b) => b.bytes - a.bytes).slice(0, MOST_TENSORS);
  const fields = {
    producer: producer === '' ? [] : [producer],
    'IR version': String(irVersion),
    opsets: Object.entries(opsets).map(([domain, version]) => `${domain === '' ? 'ai.onnx' : domain} ${version}`),
    inputs: firstOf(inputs.map(formatDeclared)),
    outputs: firstOf(outputs.map(formatDeclared)),
    operators: firstOf(operators.map((operator) => `${operatorName(operator)} ${operator.count}`)),
    functions: firstOf(functions),
    weights: describeWeights(tensors),
    'largest tensors': largest.map(formatTensor),
    'external data': firstOf(description.externalData),
    metadata: firstOf(Object.entries(metadata).map(([key, value]) => shorten(`${key}: ${value}`))),
  };
  return formatFields(fields);
};
