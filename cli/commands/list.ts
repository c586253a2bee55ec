import { ServingError } from '../../src/core/errors.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { totalBytes } from '../../src/core/total-bytes.ts';
import { type ModelRepository, unlessMissing } from '../../src/repository/model-repository.ts';
import type { Targets } from '../../src/repository/routing/routing.ts';
import { defineCommand } from '../command.ts';
import { formatDate, formatShare, formatTable } from '../output/format.ts';

type ListedModel =
  | {
      readonly name: string;
      /** The one that answers. */
      readonly version: number;
      /** Answers its share of what `version` would. */
      readonly canary?: Targets['canary'];
      readonly task: string;
      readonly bytes: number;
      readonly created: string;
    }
  | { readonly name: string; readonly problem: string };

/** Undefined while the first push of the model is under way. */
const describeModel = async (repository: ModelRepository, name: string): Promise<ListedModel | undefined> => {
  try {
    const routed = await unlessMissing(repository.routing(name));
    if (routed === undefined) return undefined;
    const { stable, canary } = routed.routing;
    const { version, task, files, created } = await repository.bundle(name, stable);
    return {
      name,
      version,
      ...(canary && { canary }),
      task,
      bytes: totalBytes(files),
      created,
    };
  } catch (error) {
    const { code, message } = ServingError.from(error);
    if (code === 'MODEL_UNAVAILABLE') throw error;
    return { name, problem: message };
  }
};

const versionCell = ({ version, canary }: { readonly version: number; readonly canary?: Targets['canary'] }): string =>
  canary ? `${version}, ${formatShare(canary.weight)} ${canary.version}` : String(version);

const toRow = (model: ListedModel): string[] =>
  'problem' in model
    ? [model.name, '', model.problem]
    : [model.name, versionCell(model), model.task, formatBytes(model.bytes), formatDate(model.created)];

export const list = defineCommand({
  summary: 'list the models',
  description: 'Lists the models with the version that answers.',
  positionals: [],
  options: {},
  async run({ target }) {
    const { repository, options } = await target();
    const described = await Promise.all((await repository.names()).map((name) => describeModel(repository, name)));
    const models = described.filter((model) => model !== undefined);
    return {
      json: { models },
      text:
        models.length === 0
          ? `No models in ${repository.store.location}. Push one with: npx onnx-serverless push <file|folder>${options}`
          : formatTable([['MODEL', 'VERSION', 'TASK', 'SIZE', 'CREATED (UTC)'], ...models.map(toRow)]),
    };
  },
});
