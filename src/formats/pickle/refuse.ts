import { ServingError } from '../../core/errors.ts';

/** Throws in the place of a value. @throws `MODEL_INVALID` */
export const refuse: (message: string, cause?: unknown) => never = (message, cause) => {
  throw new ServingError('MODEL_INVALID', message, { cause });
};
