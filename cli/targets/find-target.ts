import { misuse } from '../options/misuse.ts';
import type { Target, TargetOptions, TargetUse } from './target.ts';

/**
 * The one target that `options` name: a stage, a directory, or else the local server.
 * Each kind of them brings packages of its own, which the others need not wait for.
 * @param projectDirectory holds serverless.yml, and what the local server writes
 * @throws `NOT_FOUND` when it is not there, saying how to make it; `INVALID_REQUEST` when two are named
 */
export const findTarget = async (
  options: TargetOptions,
  projectDirectory: string,
  use: TargetUse = {},
): Promise<Target> => {
  const { stage, region, store } = options;
  if (store !== undefined) {
    if (stage !== undefined || region !== undefined)
      misuse('--store names a directory, --stage and --region what is deployed: not both');
    return (await import('./directory-target.ts')).directoryTarget(store, use);
  }
  if (stage !== undefined) return (await import('./stage-target.ts')).stageTarget(stage, region, projectDirectory);
  if (region !== undefined) misuse('--region needs --stage, which names what is deployed there');
  return (await import('./local-target.ts')).localTarget(projectDirectory);
};
