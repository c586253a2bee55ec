import { isObject } from '../core/is-object.ts';
import type { Payload } from '../core/payload.ts';

/** The elements of a list of inputs. */
export const listElements = ({ inputs }: Payload): readonly unknown[] | undefined =>
  Array.isArray(inputs) && inputs.length > 0 ? inputs : undefined;

/** The rows of a list of rows: a list of values is a row itself. */
export const rowElements = (payload: Payload): readonly unknown[] | undefined => {
  const elements = listElements(payload);
  return elements?.every((row) => Array.isArray(row) || isObject(row)) ? elements : undefined;
};
