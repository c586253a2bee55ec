import { randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ServingError } from '../../src/core/errors.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { readVerified } from '../../src/repository/versions/verify.ts';
import { defineCommand } from '../command.ts';
import { parseReference, REFERENCE_HELP, resolveVersion } from '../options/model-reference.ts';

const isEmpty = (directory: string): Promise<boolean> =>
  readdir(directory).then(
    (names) => names.length === 0,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  );

export const pull = defineCommand({
  summary: 'copy a version to this computer',
  description: `Copies the files of a version into a directory that is empty or does not exist yet, each checked against its sha256. The directory
appears whole, and can be pushed again. ${REFERENCE_HELP}`,
  positionals: ['model', 'directory'],
  options: {
    version: { type: 'string', value: '<number>', description: 'default: the stable version' },
  },
  async run({ positionals: [model = '', path = ''], values, target, terminal }) {
    const reference = parseReference(model, values.version);
    const { repository } = await target();
    const bundle = await repository.bundle(reference.name, await resolveVersion(repository, reference));
    const directory = resolve(path);
    if (!(await isEmpty(directory)))
      throw new ServingError('INVALID_REQUEST', `${path} exists and is no empty directory; name another one`);

    const bytes = bundle.files.reduce((sum, file) => sum + file.bytes, 0);
    const onProgress = terminal.progress('Downloading');
    let doneBytes = 0;
    const partial = `${directory}.${randomUUID()}.part`;
    try {
      for (const file of bundle.files) {
        const localPath = join(partial, file.path);
        await mkdir(dirname(localPath), { recursive: true });
        const counted = async function* () {
          for await (const chunk of readVerified(repository, bundle, file)) {
            doneBytes += chunk.byteLength;
            onProgress(doneBytes, bytes);
            yield chunk;
          }
        };
        await pipeline(counted, createWriteStream(localPath, { flags: 'wx' }));
      }
      await rename(partial, directory);
    } finally {
      await rm(partial, { recursive: true, force: true });
    }
    const { name, version, files } = bundle;
    return {
      json: { name, version, directory, files: files.map((file) => file.path), bytes },
      text: `Pulled ${name} version ${version} to ${path}: ${formatBytes(bytes)} in ${files.length} files`,
    };
  },
});
