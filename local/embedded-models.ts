import { join } from 'node:path';
import { S3Client } from '@aws-sdk/client-s3';
import { DEFAULT_REGION, LOCAL_CREDENTIALS } from '../src/core/aws-defaults.ts';
import { formatBytes } from '../src/core/format-bytes.ts';
import { namesIn } from '../src/core/names-in.ts';
import { createModelRepository } from '../src/repository/model-repository.ts';
import { createS3Store } from '../src/repository/stores/s3-store.ts';
import type { SamplesOptions } from './samples.ts';
import type { ServiceFunction } from './service/service.ts';

/** The folder below that of the server that takes the place of Lambda's `/opt`. */
export const EMBEDDED_FOLDER = 'opt';

export interface EmbedOptions extends Omit<SamplesOptions, 'folder'> {
  readonly functions: readonly ServiceFunction[];
  /** The directory of the server. */
  readonly directory: string;
}

/** Packs the models of `embedModels`, as a deployment does. A model that nobody has pushed yet is left to S3, which a line says. */
export const embedLocally = async (options: EmbedOptions): Promise<void> => {
  const { functions, directory, s3Endpoint, bucket, onLine } = options;
  const wanted = new Set(functions.flatMap(({ environment }) => namesIn(environment.EMBED_MODELS)));
  if (wanted.size === 0) return;
  const { embedModels } = await import('../src/authoring/embed-models.ts');
  const client = new S3Client({ endpoint: s3Endpoint, region: DEFAULT_REGION, credentials: LOCAL_CREDENTIALS });
  try {
    const repository = createModelRepository(createS3Store(client, bucket));
    const pushed = new Set(await repository.names());
    for (const name of [...wanted].filter((wantedName) => !pushed.has(wantedName)))
      onLine(`embedModels: no model ${name} yet; push it and start again, until then S3 serves it`);
    const names = [...wanted].filter((name) => pushed.has(name));
    for (const { name, version, bytes } of await embedModels(repository, names, join(directory, EMBEDDED_FOLDER), 0))
      onLine(`Embedded ${name}, version ${version} (${formatBytes(bytes)})`);
  } finally {
    client.destroy();
  }
};
