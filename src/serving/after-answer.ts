import { ServingError } from '../core/errors.ts';
import type { AfterAnswer, Call, Prediction, Serving } from './serving.ts';
import { shadowRun } from './shadow.ts';

/** All work that follows an answer, by the words that the log has for it. */
const AFTER_ANSWER: Readonly<Record<string, AfterAnswer>> = {
  'the shadow': shadowRun,
  'the look for a newer routing': ({ router }, { reference }) => router.confirm(reference.name),
};

/** Starts the work that follows an answer, once the answer is out. A failure is logged, and reaches no caller. */
export const afterAnswer = (serving: Serving, call: Call, prediction: Prediction): void => {
  for (const [name, prepare] of Object.entries(AFTER_ANSWER)) {
    const run = prepare(serving, call, prediction);
    if (run === undefined) continue;
    serving.background.defer(async () => {
      try {
        await run();
      } catch (error) {
        serving.telemetry.warned(`${name} of model ${call.reference.name} was not run`, ServingError.from(error));
      }
    });
  }
};
