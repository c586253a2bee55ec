import { ServingError } from '../../core/errors.ts';
import { bundleKey, captureKey, claimKey, routingKey, versionPrefix } from '../keys.ts';
import { type ModelRepository, missingVersion, unlessMissing } from '../model-repository.ts';
import { type ChangeReason, changeRouting } from '../routing/change-routing.ts';
import { changing, previousStable } from '../routing/rollout.ts';
import { type Routing, routedVersions, type Targets } from '../routing/routing.ts';
import { isSealed } from './claims.ts';

/** The routes to `version`, such as `canary and alias best`; empty when there is none. */
const describeRoutes = ({ stable, canary, shadow, aliases }: Targets, version: number): string =>
  [
    ...(stable === version ? ['stable'] : []),
    ...(canary?.version === version ? ['canary'] : []),
    ...(shadow?.version === version ? ['shadow'] : []),
    ...Object.entries(aliases).flatMap(([alias, aliased]) => (aliased === version ? [`alias ${alias}`] : [])),
  ].join(' and ');

/** Keys of the version's objects, without its claim, which stays: numbers are never used again. */
const listFiles = async ({ store }: ModelRepository, name: string, version: number): Promise<string[]> => {
  const keys: string[] = [];
  for await (const { key } of store.list(versionPrefix(name, version))) keys.push(key);
  return keys.filter((key) => key !== claimKey(name, version));
};

/**
 * Deletes versions to which no route leads, in this order:
 *
 * 1. The routing lists them as deleted, by compare-and-swap: nobody can route to them any more.
 * 2. Their bundles are removed: they no longer exist.
 * 3. Their files are removed. Another deletion finishes one that was interrupted.
 *
 * @throws `CONFLICT` naming the routes to a version, before anything is deleted; `NOT_FOUND` for a version that never existed
 */
export const deleteVersions = async (
  repository: ModelRepository,
  name: string,
  versions: readonly number[],
  reason: Omit<ChangeReason, 'action'>,
): Promise<void> => {
  const existing = new Map<number, string[]>();
  for (const version of versions) existing.set(version, await listFiles(repository, name, version));
  const markDeleted = changing((current) => {
    for (const [version, keys] of existing) {
      const routes = describeRoutes(current, version);
      if (routes !== '')
        throw new ServingError(
          'CONFLICT',
          `version ${version} of model ${name} is ${routes}: route to another one first`,
        );
      if (!current.deleted.includes(version) && !keys.includes(bundleKey(name, version)))
        throw missingVersion(repository.store, name, version);
    }
    return { ...current, deleted: [...new Set([...current.deleted, ...versions])].sort((a, b) => a - b) };
  });
  await changeRouting(repository, name, { ...reason, action: `delete ${versions.join(', ')}` }, markDeleted);
  if (reason.dryRun) return;
  for (const [version, keys] of existing) {
    await repository.store.remove(bundleKey(name, version));
    for (const key of keys) await repository.store.remove(key);
  }
};

/**
 * The versions that can be deleted: all but the `keep` newest, those of the routing, and the one to which a rollback returns.
 * Versions whose deletion was interrupted are among them.
 */
export const superfluousVersions = async (
  repository: ModelRepository,
  name: string,
  routing: Routing,
  keep: number,
): Promise<number[]> => {
  const versions = (await repository.versions(name)).filter((version) => !routing.deleted.includes(version));
  const needed = new Set([
    ...routedVersions(routing),
    previousStable(routing),
    ...versions.slice(versions.length - keep),
  ]);
  const halfDeleted: number[] = [];
  for (const version of routing.deleted)
    if ((await listFiles(repository, name, version)).length > 0) halfDeleted.push(version);
  return [...halfDeleted, ...versions.filter((version) => !needed.has(version))].sort((a, b) => a - b);
};

/** Versions of the model with files, unless a push of them is under way. */
const deletableVersions = async (repository: ModelRepository, name: string): Promise<number[]> => {
  const published = await repository.versions(name);
  const versions: number[] = [];
  for (const version of await repository.claimedVersions(name)) {
    const isHalfDeleted = async (): Promise<boolean> =>
      (await isSealed(repository, name, version)) && (await listFiles(repository, name, version)).length > 0;
    if (published.includes(version) || (await isHalfDeleted())) versions.push(version);
  }
  return versions;
};

/** Removes a routing that a push wrote after the first one was gone, while its version was still there. */
const removeLateRouting = async (
  repository: ModelRepository,
  name: string,
  deleted: readonly number[],
): Promise<void> => {
  const found = await unlessMissing(repository.routing(name));
  if (found && [...routedVersions(found.routing)].some((version) => deleted.includes(version)))
    await repository.store.remove(routingKey(name));
};

/**
 * Deletes a model with every version, in this order: the routing, so that nobody finds the model; the bundles; the files. The claims stay:
 * numbers are never used again, and a push that is under way goes on. Another deletion finishes one that was interrupted.
 *
 * @returns the versions
 * @throws `NOT_FOUND` when there is nothing to delete
 */
export const deleteModel = async (
  repository: ModelRepository,
  name: string,
  { dryRun = false }: Pick<ChangeReason, 'dryRun'> = {},
): Promise<readonly number[]> => {
  const { store } = repository;
  const versions = await deletableVersions(repository, name);
  if (versions.length === 0) await repository.routing(name); // says that there is no such model
  if (dryRun) return versions;
  await store.remove(routingKey(name));
  await store.remove(captureKey(name));
  for (const version of versions) await store.remove(bundleKey(name, version));
  await removeLateRouting(repository, name, versions);
  for (const version of versions) for (const key of await listFiles(repository, name, version)) await store.remove(key);
  return versions;
};
