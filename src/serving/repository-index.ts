import type { ModelState } from '../engine/model-cache.ts';
import { unlessMissing } from '../repository/model-repository.ts';
import { type Routing, targetsOf } from '../repository/routing/routing.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import type { Serving } from './serving.ts';

/** A version of a model, with its state in this process. */
export interface IndexEntry {
  readonly name: string;
  readonly version: number;
  readonly state: 'READY' | 'LOADING' | 'UNAVAILABLE';
  /** The reason that it is not ready, and the requests that go to it. */
  readonly reason: string;
}

/** The requests that go to `version`. */
const roleOf = (version: number, routing: Routing): string => {
  const { stable, canary, shadow, aliases } = targetsOf(routing);
  const roles = [
    ...(stable === version ? ['stable'] : []),
    ...(canary?.version === version ? [`canary ${canary.weight}`] : []),
    ...(shadow?.version === version ? [`shadow ${shadow.rate}`] : []),
    ...Object.entries(aliases).flatMap(([alias, aliased]) => (aliased === version ? [`alias ${alias}`] : [])),
  ];
  return roles.join(', ') || 'not routed to';
};

const describe = (state: ModelState | undefined): Pick<IndexEntry, 'state' | 'reason'> => {
  if (state?.name === 'ready') return { state: 'READY', reason: '' };
  if (state?.name === 'loading') return { state: 'LOADING', reason: 'being loaded' };
  if (state?.name === 'failed') return { state: 'UNAVAILABLE', reason: `could not be loaded: ${state.error.code}` };
  return { state: 'UNAVAILABLE', reason: 'loaded when it is asked for' };
};

const entriesOf = async ({ repository, router, models }: Serving, name: string): Promise<IndexEntry[]> => {
  const document = await unlessMissing(repository.routing(name));
  if (document === undefined) return []; // its first push is under way
  const versions = await repository.versions(name);
  const bundles = await Promise.all(versions.map((version) => unlessMissing(router.route({ name, version }))));
  return bundles
    .filter((bundle): bundle is PublishedBundle => bundle !== undefined)
    .map((bundle) => {
      const { state, reason } = describe(models.state(bundle));
      const role = roleOf(bundle.version, document.routing);
      return { name, version: bundle.version, state, reason: reason === '' ? role : `${reason} (${role})` };
    });
};

/** Every version of every model, by name and version. */
export const repositoryIndex = async (serving: Serving): Promise<IndexEntry[]> => {
  const names = await serving.repository.names();
  return (await Promise.all(names.map((name) => entriesOf(serving, name)))).flat();
};
