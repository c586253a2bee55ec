import type { Answer } from '../core/answer.ts';
import { isObject } from '../core/is-object.ts';
import type { Tensors } from '../core/tensor.ts';
import { cosine } from '../metrics/embeddings.ts';
import { type DetectedObject, matchBoxes } from '../metrics/match-boxes.ts';
import { editDistance, splitAtSpaces } from '../metrics/words.ts';

/** A measure of how like two answers are: 1 for equal ones. */
export interface Similarity {
  /** The name of the measure, for tables. */
  readonly measure: string;
  readonly value: number;
}

const mean = (values: readonly number[]): number =>
  values.length === 0 ? 1 : values.reduce((sum, value) => sum + value, 0) / values.length;

/** F1 of two lists of things, by their keys. */
export const sharedKeys = (a: readonly string[], b: readonly string[]): number => {
  const others = new Set(b);
  const shared = a.filter((key) => others.has(key)).length;
  return a.length + b.length === 0 ? 1 : (2 * shared) / (a.length + b.length);
};

/** 1 less the share of words that differ, of those of `a`. */
export const words = (a: string, b: string): number => {
  const [before, after] = [splitAtSpaces(a), splitAtSpaces(b)];
  return 1 - Math.min(1, editDistance(before, after) / Math.max(1, before.length));
};

type Fields = Readonly<Record<string, unknown>>;

const areObjects = (values: readonly unknown[]): values is readonly Fields[] => values.every(isObject);

const toDetected = ({ label, score, box }: Fields): DetectedObject => {
  const [left, top, right, bottom] = isObject(box) ? [box.xmin, box.ymin, box.xmax, box.ymax].map(Number) : [];
  const corner = [left ?? 0, top ?? 0] as const;
  return {
    label: String(label),
    score: Number(score),
    box: [...corner, (right ?? 0) - corner[0], (bottom ?? 0) - corner[1]],
  };
};

/** F1 of boxes that overlap by half, label by label. */
export const boxes = (a: readonly Fields[], b: readonly Fields[]): number => {
  const found = b.map(toDetected);
  const labels = Map.groupBy(a.map(toDetected), ({ label }) => label);
  let right = 0;
  for (const [label, truths] of labels)
    for (const { outcomes } of matchBoxes(
      truths,
      found.filter((each) => each.label === label),
    ))
      if (outcomes[0] === 'right') right += 1;
  return a.length + b.length === 0 ? 1 : (2 * right) / (a.length + b.length);
};

const numbers = (a: readonly number[], b: readonly number[]): Similarity => {
  if (a.length !== b.length) return { measure: 'cosine', value: 0 };
  const [before = 0, after = 0] = [a[0], b[0]];
  if (a.length > 1) return { measure: 'cosine', value: cosine(a, b) };
  return { measure: 'relative value', value: 1 - Math.min(1, Math.abs(before - after) / (Math.abs(before) || 1)) };
};

/** Lists of objects: labels, boxes, entities, ranked items. An empty list may be any of them. */
const compareObjects = (a: readonly Fields[], b: readonly Fields[]): Similarity => {
  const [first = {}] = a.length > 0 ? a : b;
  if ('box' in first) return { measure: 'boxes', value: boxes(a, b) };
  if ('start' in first) {
    const keys = (list: readonly Fields[]): string[] =>
      list.map(({ entity, entity_group: group, start, end }) => JSON.stringify([entity ?? group, start, end]));
    return { measure: 'entities', value: sharedKeys(keys(a), keys(b)) };
  }
  if ('label' in first) return { measure: 'top label', value: Number(a[0]?.label === b[0]?.label) };
  if ('id' in first)
    return {
      measure: 'items',
      value: sharedKeys(
        a.map(({ id }) => String(id)),
        b.map(({ id }) => String(id)),
      ),
    };
  return average(a.map((value, index) => compareJson(value, b[index])));
};

const average = (all: readonly Similarity[]): Similarity => ({
  measure: all[0]?.measure ?? 'same answer',
  value: mean(all.map(({ value }) => value)),
});

const areNumbers = (values: readonly unknown[]): values is readonly number[] =>
  values.length > 0 && values.every((value) => typeof value === 'number');

const compareJson = (a: unknown, b: unknown): Similarity => {
  if (typeof a === 'number' && typeof b === 'number') return numbers([a], [b]);
  if (typeof a === 'string' && typeof b === 'string') return { measure: 'words', value: words(a, b) };
  if (Array.isArray(a) && Array.isArray(b)) {
    if (areNumbers(a) && areNumbers(b)) return numbers(a, b);
    if (areObjects(a) && areObjects(b)) return compareObjects(a, b);
    return average(a.map((value: unknown, index) => compareJson(value, b[index])));
  }
  if (isObject(a) && isObject(b)) {
    const part = ['translation_text', 'summary_text', 'generated_text', 'text', 'items', 'sequence', 'tokens'].find(
      (name) => name in a,
    );
    if (part !== undefined) return compareJson(a[part], b[part]);
  }
  return { measure: 'same answer', value: Number(JSON.stringify(a) === JSON.stringify(b)) };
};

const compareTensors = (a: Tensors, b: Tensors): Similarity =>
  average(
    Object.entries(a).map(([name, { dtype, data }]) => {
      const other = b[name];
      if (other?.dtype !== dtype || other.data.length !== data.length) return { measure: 'cosine', value: 0 };
      const same = data.length === 0 || String(data) === String(other.data);
      if (dtype !== 'float32' && dtype !== 'float64') return { measure: 'cosine', value: Number(same) };
      const value = cosine(Float64Array.from(data, Number), Float64Array.from(other.data, Number));
      return { measure: 'cosine', value: same ? 1 : Number.isFinite(value) ? value : 0 };
    }),
  );

/** Compares an answer with that of the original. An answer that failed is a message, and like no other. */
export const similarityOf = (original: Answer, changed: Answer | string): Similarity => {
  if (typeof changed === 'string') return { ...similarityOf(original, original), value: 0 };
  if (original.kind === 'json' && changed.kind === 'json') return compareJson(original.value, changed.value);
  if (original.kind === 'tensors' && changed.kind === 'tensors')
    return compareTensors(original.outputs, changed.outputs);
  if (original.kind !== 'bytes' || changed.kind !== 'bytes') return { measure: 'same answer', value: 0 };
  return { measure: 'same answer', value: Number(Buffer.compare(original.data, changed.data) === 0) };
};

/** The best label of an answer with one; undefined for another answer. */
export const topLabelOf = (answer: Answer | string): string | undefined => {
  let value: unknown = typeof answer === 'string' || answer.kind !== 'json' ? undefined : answer.value;
  while (Array.isArray(value)) value = value[0];
  return isObject(value) && typeof value.label === 'string' && !('box' in value) ? value.label : undefined;
};
