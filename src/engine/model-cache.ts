import { join } from 'node:path';
import { ServingError } from '../core/errors.ts';
import { once } from '../core/once.ts';
import type { PublishedBundle } from '../repository/bundle.ts';
import type { ObjectStore } from '../repository/object-store.ts';
import { ensureArtefacts } from './artefacts.ts';
import { createSession, type Session } from './session.ts';

/** A model in memory: a session for each graph of its bundle. */
export interface LoadedModel {
  readonly bundle: PublishedBundle;
  readonly graphs: Readonly<Record<string, Session>>;
}

/** What loading a model took. */
export interface LoadReport {
  readonly model: string;
  readonly version: number;
  /** 0 when the files were there already. */
  readonly downloadBytes: number;
  readonly downloadMs: number;
  readonly createMs: number;
}

export interface ModelCache {
  /** The loaded model; concurrent first calls load once, a failure is not kept. @throws `MODEL_INVALID`, `MODEL_UNAVAILABLE`, `INSUFFICIENT_STORAGE` */
  get(bundle: PublishedBundle): Promise<LoadedModel>;
  /** Brings the files to disk and stops there. @throws as `get` */
  fetch(bundle: PublishedBundle): Promise<void>;
}

export interface ModelCacheOptions {
  readonly directory: string;
  readonly memoryMb: number;
  readonly onLoaded: (report: LoadReport) => void;
}

const since = (startMs: number): number => performance.now() - startMs;

/** Models by the digest of their bundle, kept for the life of the process. */
export const createModelCache = (store: ObjectStore, options: ModelCacheOptions): ModelCache => {
  const entries = new Map<string, { fetch: () => Promise<Fetched>; load: () => Promise<LoadedModel> }>();

  interface Fetched {
    readonly directory: string;
    readonly downloadBytes: number;
    readonly downloadMs: number;
  }

  const fetch = async (bundle: PublishedBundle): Promise<Fetched> => {
    const startMs = performance.now();
    let downloadBytes = 0;
    const directory = await ensureArtefacts(store, bundle, options.directory, (bytes) => {
      downloadBytes += bytes;
    });
    return { directory, downloadBytes, downloadMs: since(startMs) };
  };

  const load = async (bundle: PublishedBundle, fetched: Promise<Fetched>): Promise<LoadedModel> => {
    const { directory, downloadBytes, downloadMs } = await fetched;
    const startMs = performance.now();
    const graphs: Record<string, Session> = {};
    for (const [name, { file }] of Object.entries(bundle.graphs)) {
      graphs[name] = await createSession(join(directory, file), options.memoryMb);
    }
    const createMs = since(startMs);
    options.onLoaded({ model: bundle.name, version: bundle.version, downloadBytes, downloadMs, createMs });
    return { bundle, graphs };
  };

  const entry = (bundle: PublishedBundle) => {
    const known = entries.get(bundle.digest);
    if (known) return known;
    const fetchOnce = once(() => fetch(bundle));
    const created = { fetch: fetchOnce, load: once(() => load(bundle, fetchOnce())) };
    entries.set(bundle.digest, created);
    return created;
  };

  return {
    get: (bundle) => entry(bundle).load(),
    fetch: async (bundle) => {
      await entry(bundle).fetch();
    },
  };
};

/** The graph that single-pass tasks run. @throws `MODEL_INVALID` */
export const mainGraph = ({ bundle, graphs }: LoadedModel): Session => {
  const session = graphs.model;
  if (session === undefined)
    throw new ServingError('MODEL_INVALID', `${bundle.name} version ${bundle.version} has no graph named "model"`);
  return session;
};
