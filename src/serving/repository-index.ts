import { ServingError } from '../core/errors.ts';
import type { ModelState } from '../engine/model-cache.ts';
import { unlessMissing } from '../repository/model-repository.ts';
import { type Routing, targetsOf } from '../repository/routing/routing.ts';
import type { Serving } from './serving.ts';

/** A version of a model, with its state in this process. A version that nobody has asked for is ready: a request loads it. */
export interface IndexEntry {
  readonly name: string;
  /** Undefined when the routing of the model cannot be read. */
  readonly version?: number;
  readonly state: 'READY' | 'LOADING' | 'UNAVAILABLE';
  /** The reason that it is not in memory, and the requests that go to it. */
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
  if (state === undefined) return { state: 'READY', reason: 'loaded when it is asked for' };
  if (state.name === 'ready') return { state: 'READY', reason: '' };
  if (state.name === 'failed') return { state: 'UNAVAILABLE', reason: `could not be loaded: ${state.error.code}` };
  return { state: 'LOADING', reason: 'being loaded' };
};

/** The entry of a document that cannot be read: one broken model hides no other. */
const broken = (name: string, document: string, error: unknown): IndexEntry => ({
  name,
  state: 'UNAVAILABLE',
  reason: `${document} cannot be read: ${ServingError.from(error).code}`,
});

const versionEntry = async (
  { router, models }: Serving,
  name: string,
  version: number,
  routing: Routing,
): Promise<IndexEntry | undefined> => {
  const role = roleOf(version, routing);
  try {
    const bundle = await unlessMissing(router.route({ name, version }));
    if (bundle === undefined) return undefined;
    const { state, reason } = describe(models.state(bundle));
    return { name, version, state, reason: reason === '' ? role : `${reason} (${role})` };
  } catch (error) {
    const { reason, ...entry } = broken(name, 'bundle.json', error);
    return { ...entry, version, reason: `${reason} (${role})` };
  }
};

const entriesOf = async (serving: Serving, name: string): Promise<IndexEntry[]> => {
  const { repository } = serving;
  try {
    const document = await unlessMissing(repository.routing(name));
    if (document === undefined) return []; // its first push is under way
    const versions = await repository.versions(name);
    const entries = versions.map((version) => versionEntry(serving, name, version, document.routing));
    return (await Promise.all(entries)).filter((entry) => entry !== undefined);
  } catch (error) {
    return [broken(name, 'routing.json', error)];
  }
};

/** Every version of every model, by name and version. */
export const repositoryIndex = async (serving: Serving): Promise<IndexEntry[]> => {
  const names = await serving.repository.names();
  return (await Promise.all(names.map((name) => entriesOf(serving, name)))).flat();
};
