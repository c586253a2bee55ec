import { createHash, randomUUID } from 'node:crypto';
import { copyFile, mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { type PushOptions, pushModel as pushWith } from '../../src/authoring/push-model.ts';
import { startTrial, type Trial } from '../../src/authoring/start-trial.ts';
import type { TrialStep, TriedModel, UntriedModel } from '../../src/authoring/try-model.ts';
import type { LocalFile } from '../../src/repository/versions/publish.ts';
import { tryShared } from './shared-trial.ts';

const { RUN_FOLDER } = process.env;

interface Tried {
  readonly steps: readonly TrialStep[];
  readonly model: TriedModel;
}

/** All that a trial can see: not the name of the model, and of each file only its content. */
const keyOf = ({ draft, files, scratch: _scratch, ...rest }: UntriedModel): string => {
  const { name: _name, source: _source, created: _created, ...settled } = draft;
  const contents = files.map(({ path, sha256 }) => [path, sha256]);
  return createHash('sha256')
    .update(serialize([settled, contents, rest]))
    .digest('hex');
};

const readTried = async (folder: string): Promise<Tried | undefined> => {
  const found = await readFile(join(folder, 'tried')).catch(() => undefined);
  return found && deserialize(found);
};

/** Keeps what a trial found, and copies of the files that it made. Of two workers, the first one keeps its own. */
const keep = async (folder: string, { steps, model }: Tried): Promise<void> => {
  const draft = `${folder}.${randomUUID()}`;
  await mkdir(draft, { recursive: true });
  const toKept = async (file: LocalFile, index: number): Promise<LocalFile> => {
    await copyFile(file.localPath, join(draft, `${index}`));
    return { ...file, localPath: join(folder, `${index}`) };
  };
  const files = await Promise.all(model.files.map(toKept));
  await writeFile(join(draft, 'tried'), serialize({ steps, model: { ...model, files } }));
  await rename(draft, folder).catch(() => undefined);
};

/** A trial of a model that no test file of this run has tried yet. Only a model that ends the process gets one of its own. */
const startTrialOnce = (runFolder: string): Trial => {
  let trial: Trial | undefined;
  return {
    async run(model, onStep = () => {}) {
      const folder = join(runFolder, 'tried', keyOf(model));
      const known = await readTried(folder);
      if (known) {
        for (const step of known.steps) onStep(step);
        return known.model;
      }
      const steps: TrialStep[] = [];
      const noteStep = (step: TrialStep): void => {
        steps.push(step);
        onStep(step);
      };
      const tryAlone = (): Promise<TriedModel> => {
        steps.length = 0;
        trial = startTrial();
        return trial.run(model, noteStep);
      };
      const tried = (await tryShared(model, noteStep)) ?? (await tryAlone());
      await keep(folder, { steps, model: tried });
      return tried;
    },
    stop: () => trial?.stop(),
  };
};

/** Tries each model once in a run of the tests, in one process for each test file: to start one costs half a second. Undefined outside of such a run. */
export const triedOnce: PushOptions['startTrial'] = RUN_FOLDER ? () => startTrialOnce(RUN_FOLDER) : undefined;

/** Pushes as the command does, with {@link triedOnce}. */
export const pushModel: typeof pushWith = (repository, path, options) =>
  pushWith(repository, path, { ...(triedOnce && { startTrial: triedOnce }), ...options });
