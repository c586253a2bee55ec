import { readdir, readFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import { unzipSync } from 'fflate';
import { type EmbeddedVersion, embedModels } from '../src/authoring/embed-models.ts';
import { ServingError } from '../src/core/errors.ts';
import { messageOf } from '../src/core/message-of.ts';
import { namesIn } from '../src/core/names-in.ts';
import { parseTrustedKeys } from '../src/core/trusted-keys.ts';
import { createModelRepository } from '../src/repository/model-repository.ts';
import { COMMAND_PATIENCE, COMMAND_TIMEOUTS } from '../src/repository/stores/s3-patience.ts';
import { createS3Store } from '../src/repository/stores/s3-store.ts';

export interface ModelsLayerOptions {
  /** Becomes the layer, which Lambda unpacks into `/opt`. */
  readonly directory: string;
  readonly stackName: string;
  /** Region and credentials of the deployment. */
  readonly aws: Pick<S3ClientConfig, 'region' | 'credentials'>;
  /** The variables of the functions. */
  readonly environment: Readonly<Record<string, unknown>>;
  /** Zips of the functions that use the layer. */
  readonly artifacts: readonly string[];
  /** Folders of the other layers. */
  readonly layers: readonly string[];
}

const folderBytes = async (folder: string): Promise<number> => {
  const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile());
  const sizes = await Promise.all(files.map(async ({ parentPath, name }) => stat(path.join(parentPath, name))));
  return sizes.reduce((sum, { size }) => sum + size, 0);
};

/** The sum of the sizes that the zip says, without unpacking it. */
const unzippedBytes = async (zip: string): Promise<number> => {
  let bytes = 0;
  unzipSync(await readFile(zip), {
    filter: ({ originalSize }) => {
      bytes += originalSize;
      return false;
    },
  });
  return bytes;
};

/** Unzipped bytes of the largest function with its other layers. */
const usedBytes = async ({ artifacts, layers }: ModelsLayerOptions): Promise<number> => {
  const functions = await Promise.all(artifacts.map(unzippedBytes));
  const others = await Promise.all(layers.map(folderBytes));
  return Math.max(0, ...functions) + others.reduce((sum, bytes) => sum + bytes, 0);
};

/** The bucket of the stack's models. @throws Error that says how to make it */
const findModelsBucket = async ({ stackName, aws }: ModelsLayerOptions): Promise<string> => {
  const client = new CloudFormationClient({ ...aws, requestHandler: COMMAND_TIMEOUTS });
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: stackName }));
    const bucket = Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === 'ModelsBucket')?.OutputValue;
    if (bucket !== undefined) return bucket;
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ValidationError'))
      throw new Error(`embedModels: the stack ${stackName} cannot be read: ${messageOf(error)}`, { cause: error });
  } finally {
    client.destroy();
  }
  throw new Error(
    `embedModels takes models from the bucket of the stack ${stackName}, which has none yet. Deploy without embedModels, push the models, and deploy again.`,
  );
};

/**
 * Packs the routed versions of the models that `EMBED_MODELS` names into the layer. Nothing is packed that these functions would not serve.
 * @throws Error that names the model, and says what to do
 */
export const buildModelsLayer = async (options: ModelsLayerOptions): Promise<EmbeddedVersion[]> => {
  const { directory, aws, environment } = options;
  const text = (name: string): string => String(environment[name] ?? '');
  const bucket = await findModelsBucket(options);
  const client = new S3Client({
    ...aws,
    maxAttempts: 1, // the store tries again
    responseChecksumValidation: 'WHEN_REQUIRED', // every file has its sha256
  });
  try {
    const repository = createModelRepository(createS3Store(client, bucket, COMMAND_PATIENCE), {
      only: namesIn(text('MODELS')),
      withdrawn: namesIn(text('WITHDRAWN')),
      trustedKeys: parseTrustedKeys(text('TRUSTED_KEYS')),
    });
    return await embedModels(repository, namesIn(text('EMBED_MODELS')), directory, await usedBytes(options));
  } catch (error) {
    if (!(error instanceof ServingError)) throw error;
    const remedy = error.operator === undefined ? '' : `; ${error.operator}`;
    throw new Error(`embedModels: ${error.message}${remedy}`, { cause: error });
  } finally {
    client.destroy();
  }
};
