import { stat } from 'node:fs/promises';
import { ServingError } from '../core/errors.ts';

/** @throws `MODEL_INVALID` for a folder, and for a pipe or a device, whose reading may never end */
export const assertFile = async (place: string): Promise<void> => {
  if ((await stat(place)).isFile()) return;
  throw new ServingError('MODEL_INVALID', `${place} is a folder, a pipe or a device; put the file itself in its place`);
};
