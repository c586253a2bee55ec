import { createContext, Script } from 'node:vm';
import { ServingError } from './errors.ts';
import { isObject } from './is-object.ts';

const script = new Script('work()');
const context: { work: () => unknown } = { work: () => undefined };
createContext(context);

const isTimeOut = (error: unknown): boolean => isObject(error) && error.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT';

/**
 * Runs synchronous work, and ends it at the limit, even within a regular expression or WebAssembly: the time-out of `vm` has a thread of its
 * own. The work runs in this context. The limit itself costs 0.1 ms.
 * @param refuseLate throws the error of work that takes too long
 */
export const runInTime = <Result>(
  limitMs: number,
  work: () => Result,
  refuseLate: (cause: unknown) => never,
): Result => {
  let finish = (): Result => {
    throw new ServingError('INTERNAL', 'the work with a time limit gave no result');
  };
  context.work = () => {
    const result = work();
    finish = () => result;
  };
  try {
    script.runInContext(context, { timeout: limitMs });
  } catch (error) {
    if (isTimeOut(error)) refuseLate(error);
    throw error;
  }
  return finish();
};
