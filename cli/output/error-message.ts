import { isObject } from '../../src/core/is-object.ts';

/** The message of an error of Node; empty without one. `instanceof` does not know errors of another context, such as that of the tests. */
export const errorMessage = (error: unknown): string =>
  isObject(error) && typeof error.message === 'string' ? error.message : '';
