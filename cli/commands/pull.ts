import { resolve } from 'node:path';
import { pullVersion } from '../../src/authoring/pull-version.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { totalBytes } from '../../src/core/total-bytes.ts';
import { toWriteFailure } from '../../src/core/write-failure.ts';
import { defineCommand } from '../command.ts';
import { parseReference, REFERENCE_HELP, resolveVersion } from '../options/model-reference.ts';

export const pull = defineCommand({
  summary: 'copy a version to this computer',
  description: `Copies the files of a version into a directory that is empty or does not exist yet, each checked against its sha256. The directory
appears whole, and can be pushed again. ${REFERENCE_HELP}`,
  positionals: ['model', 'directory'],
  options: {
    version: { type: 'string', value: '<number>', description: 'default: the stable version' },
  },
  onInterruption: (typed) => `Interrupted. No directory was made. Begin again with: ${typed}\n`,
  async run({ positionals: [model = '', path = ''], values, target, terminal }) {
    const reference = parseReference(model, values.version);
    const { repository } = await target();
    const bundle = await repository.bundle(reference.name, await resolveVersion(repository, reference));
    const directory = resolve(path);
    const bytes = totalBytes(bundle.files);
    const onProgress = terminal.progress('Downloading');
    let doneBytes = 0;
    await pullVersion(repository, bundle, directory, (arrived) => {
      doneBytes += arrived;
      onProgress(doneBytes, bytes);
    }).catch((error: unknown) => {
      throw toWriteFailure(directory, error);
    });
    const { name, version, files } = bundle;
    return {
      json: { name, version, directory, files: files.map((file) => file.path), bytes },
      text: `Pulled ${name} version ${version} to ${path}: ${formatBytes(bytes)} in ${files.length} files`,
    };
  },
});
