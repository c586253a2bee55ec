import { isObject } from '../../src/core/is-object.ts';
import { formatTable } from './format.ts';

const isLabels = (result: unknown): result is { label: string; score: number }[] =>
  Array.isArray(result) &&
  result.length > 0 &&
  result.every((entry: unknown) => {
    if (!isObject(entry)) return false;
    const { label, score, truncated: _truncated, ...rest } = entry;
    return typeof label === 'string' && typeof score === 'number' && Object.keys(rest).length === 0;
  });

const formatLabels = (labels: readonly { label: string; score: number }[]): string =>
  formatTable(labels.map(({ label, score }) => [score.toFixed(4), label]));

/** Labels as a table, those of several inputs one below the other; anything else as it came. */
export const formatResult = (text: string): string => {
  const result: unknown = JSON.parse(text);
  if (isLabels(result)) return formatLabels(result);
  if (Array.isArray(result) && result.length > 0 && result.every(isLabels))
    return result.map(formatLabels).join('\n\n');
  return text;
};
