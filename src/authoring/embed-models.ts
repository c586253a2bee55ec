import { hash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { LAMBDA_UNZIPPED_BYTES } from '../core/aws-limits.ts';
import { ServingError } from '../core/errors.ts';
import { formatBytes } from '../core/format-bytes.ts';
import { totalBytes } from '../core/total-bytes.ts';
import { filesToLoad } from '../engine/version-files.ts';
import { bundleKey, fileKey, routingKey, signatureKey } from '../repository/keys.ts';
import { type ModelRepository, unlessMissing } from '../repository/model-repository.ts';
import { type Routing, targetsOf } from '../repository/routing/routing.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { readVerified } from '../repository/versions/verify.ts';

/** A model with the versions that answer callers who name none. */
interface RoutedModel {
  readonly name: string;
  readonly routing: Routing;
  readonly bundles: readonly PublishedBundle[];
}

/** A version that was packed. */
export interface EmbeddedVersion {
  readonly name: string;
  readonly version: number;
  readonly bytes: number;
}

const sizeOf = (bundles: readonly PublishedBundle[]): number => totalBytes(bundles.flatMap(filesToLoad));

const readRouted = async (repository: ModelRepository, name: string): Promise<RoutedModel> => {
  const { routing } = await repository.routing(name);
  const versions = new Set([routing.stable, ...(routing.canary ? [routing.canary.version] : [])]);
  const bundles = await Promise.all([...versions].map((version) => repository.bundle(name, version)));
  return { name, routing, bundles };
};

/** @throws `PAYLOAD_TOO_LARGE` with the size of each model */
const assertFit = (models: readonly RoutedModel[], usedBytes: number): void => {
  const room = LAMBDA_UNZIPPED_BYTES - usedBytes;
  const bytes = models.reduce((sum, { bundles }) => sum + sizeOf(bundles), 0);
  if (bytes <= room) return;
  const [limit, used] = [LAMBDA_UNZIPPED_BYTES, usedBytes].map(formatBytes);
  const sizes = models.map(({ name, bundles }) => `${name} ${formatBytes(sizeOf(bundles))}`).join(', ');
  const problem = `the models to embed have ${formatBytes(bytes)} (${sizes}), and there is room for ${formatBytes(room)}`;
  throw new ServingError(
    'PAYLOAD_TOO_LARGE',
    `${problem} beside ${used} of code and layers (Lambda takes ${limit} unzipped); leave one out of embedModels`,
  );
};

/** Makes the file that `key` has in a store in the directory. */
const pathIn = async (directory: string, key: string): Promise<string> => {
  const path = join(directory, key);
  await mkdir(dirname(path), { recursive: true });
  return path;
};

const packVersion = async (repository: ModelRepository, bundle: PublishedBundle, directory: string): Promise<void> => {
  const { store } = repository;
  const { name, version, digest } = bundle;
  const { body } = await store.read(bundleKey(name, version));
  if (hash('sha256', body) !== digest)
    throw new ServingError('CONFLICT', `the bundle of ${name} version ${version} has changed meanwhile; deploy again`);
  await writeFile(await pathIn(directory, bundleKey(name, version)), body);
  const signature = await unlessMissing(store.read(signatureKey(name, version)));
  if (signature) await writeFile(await pathIn(directory, signatureKey(name, version)), signature.body);
  for (const file of filesToLoad(bundle))
    await pipeline(
      readVerified(repository, bundle, file),
      createWriteStream(await pathIn(directory, fileKey(name, version, file.path)), { flags: 'wx' }),
    );
};

/** The routing without its history: it is the same, byte by byte, while its targets are, and while predictions are captured or not. */
const packRouting = async ({ name, routing }: RoutedModel, directory: string): Promise<void> => {
  const { formatVersion, deleted, captured } = routing;
  const document = { formatVersion, ...targetsOf(routing), deleted, captured };
  await writeFile(await pathIn(directory, routingKey(name)), JSON.stringify(document));
};

/**
 * Packs models into `directory`, as a bucket has them: routing, and the files that a load needs of the stable version and the canary.
 * The directory is emptied first. Each file is compared with its sha256; the repository checks signatures.
 *
 * @param usedBytes what the function and its other layers take of Lambda's limit
 * @throws `NOT_FOUND` naming a model that the repository lacks; `PAYLOAD_TOO_LARGE` before any download; `MODEL_INVALID`
 */
export const embedModels = async (
  repository: ModelRepository,
  names: readonly string[],
  directory: string,
  usedBytes: number,
): Promise<EmbeddedVersion[]> => {
  await rm(directory, { recursive: true, force: true });
  const models: RoutedModel[] = [];
  for (const name of new Set(names)) models.push(await readRouted(repository, name));
  assertFit(models, usedBytes);
  for (const model of models) {
    for (const bundle of model.bundles) await packVersion(repository, bundle, directory);
    await packRouting(model, directory);
  }
  return models.flatMap(({ bundles }) =>
    bundles.map((bundle) => ({ name: bundle.name, version: bundle.version, bytes: sizeOf([bundle]) })),
  );
};
