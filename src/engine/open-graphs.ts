import { createSession, loadRuntime, type Session } from './session.ts';

/** Sessions by the role of their graph. */
export type Sessions = Readonly<Record<string, Session>>;

export interface OpenedGraph {
  readonly session: Session;
  /** Milliseconds for the creation of the session. */
  readonly createMs: number;
}

/** Creates the session of the ONNX file at `path`, with threads for `memoryMb`. @throws `MODEL_INVALID` */
export const openGraph = async (path: string, memoryMb: number): Promise<OpenedGraph> => {
  loadRuntime(); // counts for no graph
  const startMs = performance.now();
  const session = await createSession(path, memoryMb);
  return { session, createMs: performance.now() - startMs };
};

/** Releases the memory of all sessions. */
export const releaseSessions = async (sessions: Sessions): Promise<void> => {
  await Promise.allSettled(Object.values(sessions).map((session) => session.release()));
};

/**
 * Opens the graphs of a bundle, one after the other. They have to be released.
 * @param pathOf the place on disk of a file of the bundle
 * @throws `MODEL_INVALID`, and then no session stays open
 */
export const openGraphs = async (
  graphs: Readonly<Record<string, { readonly file: string }>>,
  pathOf: (file: string) => string,
  memoryMb: number,
): Promise<{ readonly sessions: Sessions; readonly createMs: Readonly<Record<string, number>> }> => {
  const sessions: Record<string, Session> = {};
  const createMs: Record<string, number> = {};
  try {
    for (const [role, { file }] of Object.entries(graphs)) {
      const opened = await openGraph(pathOf(file), memoryMb);
      sessions[role] = opened.session;
      createMs[role] = opened.createMs;
    }
    return { sessions, createMs };
  } catch (error) {
    await releaseSessions(sessions);
    throw error;
  }
};
