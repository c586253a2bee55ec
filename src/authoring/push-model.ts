import { withScratch } from '../core/scratch.ts';
import { totalBytes } from '../core/total-bytes.ts';
import { filesToLoad } from '../engine/version-files.ts';
import { assertModelName } from '../repository/keys.ts';
import { type ModelRepository, unlessMissing } from '../repository/model-repository.ts';
import { changeRouting } from '../repository/routing/change-routing.ts';
import { promote as promoteTo } from '../repository/routing/rollout.ts';
import type { UploadingStore } from '../repository/stores/object-store.ts';
import {
  type Draft,
  type LocalFile,
  type PublishOptions,
  publish,
  toCandidate,
} from '../repository/versions/publish.ts';
import { suggestName } from '../source/model-source.ts';
import { recipeOf } from '../tasks/index.ts';
import { type FoundSource, findSource } from './find-source.ts';
import { giveChatTemplate } from './give-chat-template.ts';
import { type PrepareOptions, prepareModel } from './prepare-model.ts';
import { parseTask, type RecognisedTask, recogniseTask } from './recognise-task.ts';
import { refusing } from './refusal.ts';
import { assertSameTask } from './same-task.ts';
import { noteOnTmp } from './tmp-need.ts';
import { whoami } from './whoami.ts';

export interface PushOptions extends Pick<PublishOptions, 'note' | 'resume' | 'sign'>, PrepareOptions {
  /** Default: after the folder or file. */
  readonly name?: string;
  /** Default: the task that the Hugging Face folder names, `tensor` for a file outside of one. */
  readonly task?: string;
  /** The file of a chat template in Jinja, in the place of the folder's. */
  readonly chatTemplate?: string;
  /** Lets the version answer at once. Otherwise only the first one does. */
  readonly promote?: boolean;
  /** Does everything but write. */
  readonly dryRun?: boolean;
  /** The person who pushes, for the history. Default: user and machine. */
  readonly by?: string;
  /** Called while files are sent, with the bytes of all of them together. */
  readonly onProgress?: (sentBytes: number, allBytes: number) => void;
}

export interface PushedModel extends RecognisedTask, Pick<FoundSource, 'outline'> {
  readonly name: string;
  readonly version: number;
  /** The version that answers requests without a version. */
  readonly stable: number;
  /** By role, with the milliseconds for the creation of the session on this computer. */
  readonly graphs: Draft['graphs'];
  readonly files: readonly { readonly path: string; readonly bytes: number }[];
  /** Files with the same model in other precisions, which were not pushed. */
  readonly alternatives: readonly string[];
  /** An example of an input, such as `<image>`. */
  readonly example: string;
  /** Remarks for people, which need no action. */
  readonly notes: readonly string[];
}

/** Publishes, and promotes when that is asked for. Returns the version, and the one that answers then. */
const write = async (
  repository: ModelRepository<UploadingStore>,
  draft: Draft,
  files: readonly LocalFile[],
  options: PublishOptions,
  { promote = false, dryRun = false }: PushOptions,
): Promise<{ readonly version: number; readonly stable: number }> => {
  const { name } = draft;
  const readStable = async () => (await unlessMissing(repository.routing(name)))?.routing.stable;
  if (dryRun) {
    toCandidate(draft, files);
    const version = ((await repository.claimedVersions(name)).at(-1) ?? 0) + 1;
    return { version, stable: promote ? version : ((await readStable()) ?? version) };
  }
  const version = await publish(repository, draft, files, options);
  if (promote) await changeRouting(repository, name, { ...options, action: 'promote' }, promoteTo(version));
  return { version, stable: (await readStable()) ?? version };
};

/**
 * Publishes the model at `path`, an ONNX file, a file of another library, or a folder, as the next version of its name; the first one answers at once.
 * A trial run comes before anything is written. The task of the model stays as it was, unless `options` name one.
 *
 * @throws `MODEL_INVALID` with the reason why it cannot be served; `INVALID_REQUEST`, `NOT_FOUND`; `MODEL_UNAVAILABLE` when the store fails
 */
export const pushModel = async (
  repository: ModelRepository<UploadingStore>,
  path: string,
  options: PushOptions = {},
): Promise<PushedModel> => {
  const { note, resume, sign, by = whoami(), onProgress } = options;
  const { source: found, outline } = await findSource(path, () => options.onStep?.('its conversion'));
  const name = options.name ?? suggestName(found);
  assertModelName(name);
  const recognised =
    options.task === undefined ? await recogniseTask(found) : { task: parseTask(options.task), reason: 'as asked for' };
  if (options.task === undefined) await assertSameTask(repository, name, recognised);
  const { chatTemplate } = options;
  const source = chatTemplate === undefined ? found : await giveChatTemplate(found, recognised.task, chatTemplate);
  return withScratch('push', async (scratch) => {
    const { draft, files, notes } = await refusing(source, prepareModel(source, name, recognised, options, scratch));
    const allBytes = totalBytes(files);
    const publishOptions: PublishOptions = {
      by,
      ...(note !== undefined && { note }),
      ...(resume !== undefined && { resume }),
      ...(sign && { sign }),
      onProgress: (sentBytes) => onProgress?.(sentBytes, allBytes),
    };
    return {
      ...recognised,
      name,
      ...(await write(repository, draft, files, publishOptions, options)),
      graphs: draft.graphs,
      files: files.map(({ path: file, bytes }) => ({ path: file, bytes })),
      alternatives: source.alternatives,
      example: (await recipeOf(recognised.task)).example,
      notes: [...notes, ...noteOnTmp(totalBytes(filesToLoad(toCandidate(draft, files))))],
      ...(outline && { outline }),
    };
  });
};
