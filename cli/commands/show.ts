import { readOutline } from '../../src/authoring/outline.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { isObject } from '../../src/core/is-object.ts';
import { targetsOf } from '../../src/repository/routing/routing.ts';
import { defineCommand } from '../command.ts';
import { parseReference, REFERENCE_HELP, resolveVersion } from '../options/model-reference.ts';
import { describeTargets } from '../options/routing-change.ts';
import { formatDate, formatFields } from '../output/format.ts';
import { cacheFields } from '../output/format-cache.ts';
import { graphFields } from '../output/format-graphs.ts';
import { formatOutline } from '../output/format-outline.ts';

const MOST_VALUES = 5;
const MOST_CHARACTERS = 160;

/** An element of a list: an object, such as a column of a table, by its name. */
const nameOf = (value: unknown): string => {
  if (!isObject(value)) return String(value);
  return typeof value.name === 'string' ? value.name : JSON.stringify(value);
};

/** A setting on one line; of a long one its beginning, of a long list its length too. */
const formatSetting = (value: unknown): string => {
  if (!Array.isArray(value) || value.length <= MOST_VALUES) {
    const text = JSON.stringify(value);
    return text.length <= MOST_CHARACTERS ? text : `${text.slice(0, MOST_CHARACTERS)}… (--json shows all)`;
  }
  return `${value.length}: ${value.slice(0, MOST_VALUES).map(nameOf).join(', ')}, …`;
};

export const show = defineCommand({
  summary: 'show a model with its versions',
  description: `Shows the versions of a model and its routing, and the inputs, outputs, settings and files of one version; of a model that was
converted, its parts too. ${REFERENCE_HELP}`,
  positionals: ['model'],
  options: {
    version: { type: 'string', value: '<number>', description: 'default: the version that answers' },
  },
  async run({ positionals: [model = ''], values, target }) {
    const reference = parseReference(model, values.version);
    const { name } = reference;
    const { repository } = await target();
    const { routing } = await repository.routing(name);
    const versions = await repository.versions(name);
    const bundle = await repository.bundle(name, await resolveVersion(repository, reference));
    const { version, task, source, created, files, graphs, settings, maxBatch } = bundle;
    const text = formatFields({
      versions: versions.join(', '),
      ...describeTargets(routing),
      task,
      source,
      created: `${formatDate(created)} UTC`,
      'runs together': `up to ${maxBatch} rows`,
      ...graphFields(graphs, ({ createMs }) => `${createMs} ms where it was pushed`),
      ...cacheFields(bundle),
      ...Object.fromEntries(Object.entries(settings).map(([key, value]) => [key, formatSetting(value)])),
      files: files.map(({ path, bytes, sha256 }) => `${path}  ${formatBytes(bytes)}  sha256 ${sha256.slice(0, 12)}…`),
    });
    const outline = await readOutline(repository, bundle);
    return {
      json: { name, versions, routing: targetsOf(routing), bundle, ...(outline && { outline }) },
      text: [
        `${name} version ${version} in ${repository.store.location}`,
        text,
        ...(outline ? [formatOutline(outline)] : []),
      ].join('\n'),
    };
  },
});
