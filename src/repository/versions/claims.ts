import { createHash, randomUUID } from 'node:crypto';
import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import { bundleKey, claimKey, modelPrefix } from '../keys.ts';
import { type ModelRepository, unlessMissing } from '../model-repository.ts';
import type { ListedObject } from '../stores/object-store.ts';

/**
 * The document `claim`, which a push writes before anything else. Its number is taken for good. A compare-and-swap of the claim, never a
 * clock, decides who may go on with it:
 *
 *     open ─ every file is there ─▸ sealed ─▸ bundle.json
 *       └─ given up ─▸ abandoned ─▸ files removed
 *
 * A sealed claim is never abandoned, and an abandoned claim is never sealed: no bundle can name files that somebody removes.
 */
const claimSchema = v.object({
  formatVersion: v.literal(1),
  /** Identifier of one run of a push: the run that resumes it has another one. */
  push: v.string(),
  by: v.string(),
  /** Time of the claim, for people: clocks differ. */
  at: v.string(),
  /** Digest of the paths and sha256s of all files. */
  digest: v.string(),
  state: v.picklist(['open', 'sealed', 'abandoned']),
});

type ClaimDocument = v.InferOutput<typeof claimSchema>;

export interface Claim {
  readonly version: number;
  readonly etag: string;
  readonly document: ClaimDocument;
}

/** The author of a push, and the files. */
export interface Pusher {
  readonly by: string;
  readonly files: readonly { readonly path: string; readonly sha256: string }[];
}

/** A push whose claim is older has ended. No upload takes as long: a push that is declared ended too early fails. */
const ABANDONED_AFTER_MS = 24 * 60 * 60 * 1000;

const isConflict = (error: unknown): boolean => error instanceof ServingError && error.code === 'CONFLICT';

const digestOf = (files: Pusher['files']): string =>
  createHash('sha256')
    .update(JSON.stringify(files.map(({ path, sha256 }) => [path, sha256]).sort()))
    .digest('hex');

/** A new claim of the pusher. */
const openClaim = ({ by, files }: Pusher): ClaimDocument => ({
  formatVersion: 1,
  ...{ push: randomUUID(), by, at: new Date().toISOString(), digest: digestOf(files), state: 'open' },
});

/** Undefined for a claim that is no such document: it is left alone. */
const readClaim = async ({ store }: ModelRepository, name: string, version: number): Promise<Claim | undefined> => {
  const { body, etag } = await store.read(claimKey(name, version));
  try {
    const parsed = v.safeParse(claimSchema, JSON.parse(Buffer.from(body).toString('utf8')));
    return parsed.success ? { version, etag, document: parsed.output } : undefined;
  } catch {
    return undefined;
  }
};

/** Tells whether every file of the version was stored once. A sealed version without a bundle was deleted. */
export const isSealed = async (repository: ModelRepository, name: string, version: number): Promise<boolean> =>
  (await unlessMissing(readClaim(repository, name, version)))?.document.state === 'sealed';

/**
 * The claim that this write made: the client tried again after a lost answer, and met itself. Undefined for that of somebody else,
 * who may also be writing it still, or have removed it.
 */
const findOwnWrite = async (
  repository: ModelRepository,
  name: string,
  version: number,
  document: ClaimDocument,
): Promise<Claim | undefined> => {
  const now = await unlessMissing(readClaim(repository, name, version));
  return now && JSON.stringify(now.document) === JSON.stringify(document) ? now : undefined;
};

/** Replaces the claim; undefined when somebody else has replaced it. */
const replaceClaim = async (
  repository: ModelRepository,
  name: string,
  { version, etag }: Claim,
  document: ClaimDocument,
): Promise<Claim | undefined> => {
  try {
    const options = { condition: { ifMatch: etag }, contentType: 'application/json' };
    return {
      version,
      document,
      etag: await repository.store.write(claimKey(name, version), JSON.stringify(document), options),
    };
  } catch (error) {
    if (!isConflict(error)) throw error;
    return findOwnWrite(repository, name, version, document);
  }
};

/** Claims the first free number. Two pushes never share a number: only one of them can create its claim. */
export const claimVersion = async (repository: ModelRepository, name: string, pusher: Pusher): Promise<Claim> => {
  const document = openClaim(pusher);
  for (let version = ((await repository.claimedVersions(name)).at(-1) ?? 0) + 1; ; version += 1) {
    try {
      const options = { condition: { ifNoneMatch: '*' }, contentType: 'application/json' } as const;
      const etag = await repository.store.write(claimKey(name, version), JSON.stringify(document), options);
      return { version, etag, document };
    } catch (error) {
      if (!isConflict(error)) throw error;
      const own = await findOwnWrite(repository, name, version, document);
      if (own !== undefined) return own;
    }
  }
};

/** The objects of a version that has no bundle. */
interface Unfinished {
  readonly version: number;
  readonly claim: ListedObject;
  /** Keys of all objects but the claim. */
  readonly files: readonly string[];
}

const listUnfinished = async ({ store }: ModelRepository, name: string): Promise<Unfinished[]> => {
  const objects: ListedObject[] = [];
  for await (const object of store.list(modelPrefix(name))) objects.push(object);
  const byVersion = Map.groupBy(objects, ({ key }) => Number(key.slice(modelPrefix(name).length).split('/')[0]));
  return [...byVersion].flatMap(([version, found]) => {
    const claim = found.find(({ key }) => key === claimKey(name, version));
    const isPublished = found.some(({ key }) => key === bundleKey(name, version));
    if (claim === undefined || isPublished) return [];
    return [{ version, claim, files: found.filter((object) => object !== claim).map(({ key }) => key) }];
  });
};

/**
 * Takes over the latest unfinished push of the same files; undefined when there is none.
 * When that push still runs, one of the two ends with `CONFLICT`, and there is one version.
 */
export const resumeClaim = async (
  repository: ModelRepository,
  name: string,
  pusher: Pusher,
): Promise<Claim | undefined> => {
  const document = openClaim(pusher);
  const routed = await unlessMissing(repository.routing(name));
  for (const { version } of (await listUnfinished(repository, name)).sort((a, b) => b.version - a.version)) {
    if (routed?.routing.deleted.includes(version)) continue;
    const claim = await readClaim(repository, name, version);
    if (claim?.document.digest !== document.digest || claim.document.state === 'abandoned') continue;
    if (claim.document.state === 'sealed') return claim;
    const taken = await replaceClaim(repository, name, claim, document);
    if (taken !== undefined) return taken;
  }
  return undefined;
};

/** Seals the claim when every file is stored. @throws `CONFLICT` when somebody else resumed the push, or gave it up */
export const sealClaim = async (repository: ModelRepository, name: string, claim: Claim): Promise<void> => {
  if (claim.document.state === 'sealed') return;
  const sealed = await replaceClaim(repository, name, claim, { ...claim.document, state: 'sealed' });
  if (sealed !== undefined) return;
  const now = await readClaim(repository, name, claim.version);
  const change = now?.document.state === 'abandoned' ? 'given up by a later push' : `resumed by ${now?.document.by}`;
  throw new ServingError('CONFLICT', `version ${claim.version} of model ${name} was ${change} meanwhile; push again`);
};

/** Removes the files of pushes that ended early; their numbers stay used. The claim of version `own` gives the time by the store's clock. */
export const removeAbandoned = async (repository: ModelRepository, name: string, own: number): Promise<void> => {
  const unfinished = await listUnfinished(repository, name);
  const nowMs = unfinished.find(({ version }) => version === own)?.claim.modifiedMs ?? 0;
  for (const { version, claim: listed, files } of unfinished) {
    if (version === own || files.length === 0) continue;
    const claim = await readClaim(repository, name, version);
    if (claim === undefined || claim.document.state === 'sealed') continue;
    if (claim.document.state === 'open') {
      if (nowMs - listed.modifiedMs < ABANDONED_AFTER_MS) continue;
      if (!(await replaceClaim(repository, name, claim, { ...claim.document, state: 'abandoned' }))) continue;
    }
    for (const key of files) await repository.store.remove(key);
  }
};
