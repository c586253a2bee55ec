import { ServingError } from '../core/errors.ts';

/** `error` with the place of the sample that it is about before its message. */
export const atPlace = (place: string, error: unknown): ServingError => {
  const { code, message, operator } = ServingError.from(error);
  return new ServingError(code, `${place}: ${message}`, { cause: error, operator });
};
