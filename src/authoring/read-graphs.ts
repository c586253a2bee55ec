import { createSession, loadRuntime, type Session } from '../engine/session.ts';
import { withoutZipMap } from '../onnx/zip-map.ts';
import type { Draft } from '../repository/versions/publish.ts';
import { findExternalData, readGraph } from '../source/graph-file.ts';
import type { ModelSource, SourceFile } from '../source/model-source.ts';

/** As the functions have by default: one thread. */
const MEMORY_MB = 1_769;

/** A graph as it is published: what only tensors can be served of is taken off. */
export interface GraphSource {
  readonly role: string;
  readonly file: SourceFile;
  readonly externalData: readonly string[];
  /** What people should know of a change. */
  readonly notes: readonly string[];
}

/** The graphs of a folder by role, with the files that hold their weights. @throws `MODEL_INVALID` */
export const readGraphs = async ({ directory, graphs }: ModelSource): Promise<GraphSource[]> => {
  const sources: GraphSource[] = [];
  for (const [role, path] of Object.entries(graphs)) {
    const bytes = await readGraph(directory, path);
    const externalData = await findExternalData(directory, path, bytes);
    // A graph is written elsewhere when it is changed, and then its weights would not lie beside it.
    const content = externalData.length === 0 ? withoutZipMap(bytes) : undefined;
    const notes = content ? [`${path} is published without its ZipMap, whose output onnxruntime-node cannot read`] : [];
    sources.push({ role, file: { path, ...(content && { content }) }, externalData, notes });
  }
  return sources;
};

/** Opens a graph with the code that serves it. */
export const openGraph = async (localPath: string): Promise<{ session: Session; createMs: number }> => {
  loadRuntime();
  const startMs = performance.now();
  const session = await createSession(localPath, MEMORY_MB);
  return { session, createMs: Math.round(performance.now() - startMs) };
};

/** Opens all graphs. They have to be released. */
export const openGraphs = async (graphs: readonly GraphSource[], localPathOf: (path: string) => string) => {
  const sessions: Record<string, Session> = {};
  const described: Draft['graphs'] = {};
  try {
    for (const { role, file, externalData } of graphs) {
      const { session, createMs } = await openGraph(localPathOf(file.path));
      sessions[role] = session;
      const signature = structuredClone(session.signature) as never;
      described[role] = { file: file.path, externalData: [...externalData], signature, createMs };
    }
    return { sessions, described };
  } catch (error) {
    await release(sessions);
    throw error;
  }
};

export const release = async (sessions: Readonly<Record<string, Session>>): Promise<void> => {
  await Promise.allSettled(Object.values(sessions).map((session) => session.release()));
};
