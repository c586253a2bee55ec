import { createHash } from 'node:crypto';
import { ServingError } from '../../core/errors.ts';
import { fileKey } from '../keys.ts';
import { type ModelRepository, unlessMissing } from '../model-repository.ts';
import { routedVersions } from '../routing/routing.ts';
import type { BundleFile, PublishedBundle } from './bundle.ts';

/** The bytes of a file of a version. @throws `MODEL_INVALID` after the last byte, when the file differs from its bundle */
export async function* readVerified(
  { store }: ModelRepository,
  { name, version }: PublishedBundle,
  { path, bytes, sha256 }: BundleFile,
): AsyncIterable<Uint8Array> {
  const key = fileKey(name, version, path);
  const refuse = (problem: string): never => {
    throw new ServingError('MODEL_INVALID', `${store.location}/${key} ${problem}: push the model again`);
  };
  const info = (await unlessMissing(store.head(key))) ?? refuse('is missing');
  if (info.sizeBytes !== bytes) refuse(`has ${info.sizeBytes} bytes, its bundle says ${bytes}`);
  const hash = createHash('sha256');
  if (bytes > 0)
    for await (const chunk of store.readRange(key, 0, bytes, info.etag)) {
      hash.update(chunk);
      yield chunk;
    }
  const digest = hash.digest('hex');
  if (digest !== sha256) refuse(`has sha256 ${digest}, its bundle says ${sha256}`);
}

/** Problems of the routing: a message for each version that it names and that does not exist. */
export const routingProblems = async (repository: ModelRepository, name: string): Promise<string[]> => {
  const { routing } = await repository.routing(name);
  const versions = new Set(await repository.versions(name));
  return [...routedVersions(routing)]
    .filter((version) => !versions.has(version))
    .map((version) => `routing.json routes to version ${version}, which does not exist`);
};
