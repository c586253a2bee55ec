import { ServingError } from '../core/errors.ts';
import type { Encoding } from '../media/text/tokenizer.ts';

/** @throws `INVALID_INPUT` naming the first text that was cut, for a caller that forbids it */
export const assertWhole = (encodings: readonly Encoding[], isList: boolean): void => {
  encodings.forEach(({ ids, truncatedFrom }, index) => {
    if (truncatedFrom === undefined) return;
    const name = isList ? `inputs[${index}]` : '"inputs"';
    const problem = `${name} has ${truncatedFrom} tokens, the model takes ${ids.length}, and the request forbids to cut it`;
    throw new ServingError('INVALID_INPUT', problem);
  });
};
