import { readFile } from 'node:fs/promises';
import { LAMBDA_MB_PER_VCPU } from '../../core/aws-limits.ts';
import { ServingError } from '../../core/errors.ts';
import type { Graph } from '../../core/graph.ts';
import { openGraphs, releaseSessions, type Sessions } from '../../engine/open-graphs.ts';
import type { PublishedBundle } from '../../repository/versions/bundle.ts';
import { loadTask, type ReadyTask } from '../../serving/warm-up.ts';

/** A version whose files are on this computer; it can be sent to another process. */
export interface LocalVersion {
  readonly bundle: PublishedBundle;
  /** Places of its files, by their paths in the version. */
  readonly places: Readonly<Record<string, string>>;
}

/** A version that is ready to answer. */
export interface OpenedVersion extends ReadyTask {
  readonly sessions: Sessions;
  /** Milliseconds for the creation of all sessions. */
  readonly createMs: number;
  release(): Promise<void>;
}

export const placeOf = ({ places }: LocalVersion, path: string): string => {
  const place = places[path];
  if (place !== undefined) return place;
  throw new ServingError('MODEL_INVALID', `${path} is not among the files of the version`);
};

/**
 * Opens the graphs of a version, and loads its task.
 * @param wrap stands between the task and each graph
 * @param threads default: as many as the template's function has
 */
export const openVersion = async (
  version: LocalVersion,
  wrap: (graph: Graph, role: string) => Graph = (graph) => graph,
  threads = 1,
): Promise<OpenedVersion> => {
  const place = (path: string): string => placeOf(version, path);
  const { sessions, createMs } = await openGraphs(version.bundle.graphs, place, threads * LAMBDA_MB_PER_VCPU);
  const release = (): Promise<void> => releaseSessions(sessions);
  try {
    const graphs = Object.fromEntries(
      Object.entries(sessions).map(([role, session]) => [role, { ...session, ...wrap(session, role) }]),
    );
    const ready = await loadTask({ bundle: version.bundle, graphs }, (path) => readFile(place(path)));
    return { ...ready, sessions, createMs: Object.values(createMs).reduce((sum, ms) => sum + ms, 0), release };
  } catch (error) {
    await release();
    throw error;
  }
};
