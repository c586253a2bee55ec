import { readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { isOtherProcess } from './left-behind.ts';

/** Time for which a version that ended a process is refused. Then it is tried again: the machine may have been at fault. */
const REFUSED_MS = 10 * 60_000;

/** Ends the name of a file that says that a process is loading a version, or runs it for the first time on the input of a caller. */
const UNDER_WAY = { load: '.loading', trial: '.trying' } as const;
/** Ends the name of a file that says that a process has ended there. */
const ENDED = { load: '.ended-loading', trial: '.ended-trying' } as const;

type Stage = keyof typeof UNDER_WAY;

/** The versions whose load ended a process of this environment: out of memory, by a native crash, or by the time-out of the function. */
export interface LoadJournal {
  /**
   * Runs `load`, and notes on disk that it is under way. `load` receives `trial`, or a trial that declines where an earlier one ended the
   * process: its input may have been to blame.
   * @throws `MODEL_INVALID` when an earlier load of the version ended its process
   */
  record<Model, Result>(
    bundle: PublishedBundle,
    trial: (model: Model) => Promise<boolean>,
    load: (trial: (model: Model) => Promise<boolean>) => Promise<Result>,
  ): Promise<Result>;
}

const removeOld = async (path: string): Promise<void> => {
  const { mtimeMs } = await stat(path);
  if (Date.now() - mtimeMs > REFUSED_MS) await rm(path, { force: true });
};

/** Turns the notes of processes that have ended into lasting ones, and removes those that are old. */
const conclude = async (root: string): Promise<void> => {
  for (const name of await readdir(root)) {
    const path = join(root, name);
    for (const stage of ['load', 'trial'] as const) {
      if (name.endsWith(UNDER_WAY[stage])) {
        const [digest = '', pid] = name.split('.');
        if (!isOtherProcess(Number(pid))) await rename(path, join(root, digest + ENDED[stage])).catch(() => {});
      } else if (name.endsWith(ENDED[stage])) {
        await removeOld(path).catch(() => {}); // another process was first, or the note stays, and counts no more
      }
    }
  }
};

/** Opens the journal in the directory `root`, which outlives the process. */
export const openLoadJournal = async (root: string): Promise<LoadJournal> => {
  await conclude(root);

  const hasEnded = (digest: string, stage: Stage): Promise<boolean> =>
    stat(join(root, digest + ENDED[stage])).then(
      ({ mtimeMs }) => Date.now() - mtimeMs <= REFUSED_MS,
      () => false,
    );

  return {
    async record({ name, version, digest }, trial, load) {
      if (await hasEnded(digest, 'load'))
        throw new ServingError('MODEL_INVALID', `model ${name} version ${version} ended the process that loaded it`, {
          operator:
            'it is refused here for 10 minutes; give the function more memory (stage parameter memory) or time (timeout), or promote another version',
        });
      const isUnsafe = await hasEnded(digest, 'trial');
      const noteOf = (stage: Stage): string => join(root, `${digest}.${process.pid}${UNDER_WAY[stage]}`);
      // A journal that cannot be written refuses nothing.
      await writeFile(noteOf('load'), '').catch(() => {});
      try {
        return await load(async (model) => {
          if (isUnsafe) return false;
          await rename(noteOf('load'), noteOf('trial')).catch(() => {});
          const answered = await trial(model);
          await rename(noteOf('trial'), noteOf('load')).catch(() => {});
          return answered;
        });
      } finally {
        await rm(noteOf('load'), { force: true }).catch(() => {});
        await rm(noteOf('trial'), { force: true }).catch(() => {});
      }
    },
  };
};
