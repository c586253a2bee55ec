import type { Answer } from '../core/answer.ts';
import { isObject } from '../core/is-object.ts';
import { project } from './projections.ts';

/** Figures of one answer. */
export interface Output {
  /** The first label, or the first item that is recommended. */
  readonly label?: string;
  readonly score?: number;
  /** The score less that of the second label. */
  readonly margin?: number;
  /** The entropy of the scores, in nats. Labels that were not answered count as one. */
  readonly entropy?: number;
  readonly boxes?: number;
  /** Characters of a text, or entities that were found. */
  readonly length?: number;
  readonly value?: number;
  /** float64[16] of an embedding. */
  readonly projections?: readonly number[];
}

/** Tasks whose answer is a list, also for one input. */
const LISTS: ReadonlySet<string> = new Set([
  ...['text-classification', 'tabular-classification', 'tabular-regression'],
  ...['feature-extraction', 'translation', 'summarization'],
]);

interface Scored {
  readonly label: string;
  readonly score: number;
}

const isScored = (value: unknown): value is Scored =>
  isObject(value) && typeof value.label === 'string' && typeof value.score === 'number';

const isNumber = (value: unknown): value is number => typeof value === 'number';

const plogp = (share: number): number => (share > 0 ? -share * Math.log(share) : 0);

const describeScores = (labels: readonly Scored[]): Output => {
  const [best, second] = labels;
  if (best === undefined) return {};
  const rest = 1 - labels.reduce((sum, { score }) => sum + score, 0);
  const entropy = labels.reduce((sum, { score }) => sum + plogp(score), plogp(rest > 1e-6 ? rest : 0));
  return { label: best.label, score: best.score, margin: best.score - (second?.score ?? 0), entropy };
};

const describeList = (row: readonly unknown[], task: string): Output => {
  const [first] = row;
  if (task === 'object-detection')
    return { boxes: row.length, ...(isScored(first) && { label: first.label, score: first.score }) };
  if (row.length > 0 && row.every(isScored)) return describeScores(row);
  if (row.length > 0 && row.every(isNumber))
    return task === 'feature-extraction' ? { projections: project(row) } : { value: row[0] ?? 0 };
  if (isObject(first) && ('entity' in first || 'entity_group' in first)) return { length: row.length };
  if (Array.isArray(first) && first.every(isScored)) return describeScores(first); // the first of several targets
  return row.length === 0 ? { length: 0 } : {};
};

const describeObject = (row: Readonly<Record<string, unknown>>): Output => {
  const { text, translation_text: translation = text, summary_text: summary = translation, items } = row;
  if (typeof summary === 'string') return { length: summary.length };
  const [best, second] = Array.isArray(items) ? items : [];
  if (!isObject(best) || !isNumber(best.score)) return {};
  const margin = isObject(second) && isNumber(second.score) ? { margin: best.score - second.score } : {};
  return { label: String(best.id), score: best.score, ...margin };
};

const describeRow = (row: unknown, task: string): Output => {
  if (isNumber(row)) return { value: row };
  if (typeof row === 'string') return { label: row };
  if (Array.isArray(row)) return describeList(row, task);
  return isObject(row) ? describeObject(row) : {};
};

const rowsOf = (value: unknown, task: string): readonly unknown[] => {
  if (!Array.isArray(value)) return [value];
  if (LISTS.has(task)) return value;
  const isList =
    value.length > 0 &&
    value.every((entry) => Array.isArray(entry) || (isObject(entry) && ('items' in entry || 'text' in entry)));
  return isList ? value : [value];
};

/** Figures of the answer to each input of a request. */
export const describeAnswer = (answer: Answer, task: string): Output[] => {
  if (answer.kind === 'json') return rowsOf(answer.value, task).map((row) => describeRow(row, task));
  if (answer.kind === 'bytes') return [{ length: answer.data.byteLength }];
  const numbers = Object.values(answer.outputs).filter(({ dtype, data }) => dtype !== 'string' && data.length === 1);
  const [only] = numbers;
  return [only === undefined ? {} : { value: Number(only.data[0]) }];
};
