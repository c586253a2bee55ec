import { ServingError } from '../core/errors.ts';
import { capturePrediction } from './capture.ts';
import type { AfterAnswer, Run } from './run.ts';
import type { Call, Prediction, Serving } from './serving.ts';
import { shadowRun } from './shadow.ts';

type Works = Readonly<Record<string, AfterAnswer>>;

/** The work that follows every answer, by the words that the log has for it. */
const AFTER_STREAM: Works = {
  'the capture': capturePrediction,
  'the look for a newer routing': ({ router }, { reference }) => router.confirm(reference.name),
};

/** All work that follows an answer in one piece. */
const AFTER_ANSWER: Works = { 'the shadow': shadowRun, ...AFTER_STREAM };

/** Starts the work that follows an answer, once the answer is out. A failure is logged, and reaches no caller. */
const starting =
  (works: Works) =>
  (serving: Serving, call: Call, prediction: Prediction, ran: Run | undefined): void => {
    for (const [name, prepare] of Object.entries(works)) {
      const run = prepare(serving, call, prediction, ran);
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

export const afterAnswer = starting(AFTER_ANSWER);
export const afterStream = starting(AFTER_STREAM);
