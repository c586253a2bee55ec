import { refuse } from '../core/errors.ts';

/** Compares the classes of a graph with the labels of config.json. @throws `MODEL_INVALID` when there are more or fewer */
export const assertClassCount = (classes: number | string | undefined, labels: readonly string[]): void => {
  if (classes !== labels.length)
    refuse('MODEL_INVALID', `the graph has ${classes} classes, "id2label" in config.json names ${labels.length}`);
};

/** The number of elements of an answer; undefined unless the answer is a list. */
export const countElements = (value: unknown): number | undefined => (Array.isArray(value) ? value.length : undefined);
