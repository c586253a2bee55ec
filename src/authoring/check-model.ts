import { ServingError } from '../core/errors.ts';
import { assertNodeCount } from '../onnx/count-nodes.ts';
import { describeModel } from '../onnx/describe-model.ts';
import { graphProblems } from '../onnx/graph-problems.ts';
import { parseOnnxModel } from '../onnx/onnx-model.ts';
import { findExternalData, type GraphSource } from '../source/graph-source.ts';
import type { ModelSource } from '../source/model-source.ts';
import { type FoundSource, findSource } from './find-source.ts';
import { editGraph } from './read-graphs.ts';
import { readSettings } from './read-model.ts';
import { parseTask, type RecognisedTask, recogniseTask } from './recognise-task.ts';

/** A model as its files tell of it. */
export interface CheckedModel extends Pick<FoundSource, 'outline'> {
  /** Left out when a problem hides it. */
  readonly recognised?: RecognisedTask;
  /** The graphs, by role. */
  readonly graphs: Readonly<Record<string, string>>;
  /** Reasons for which push would refuse it. */
  readonly problems: readonly string[];
  /** Remarks that need no action. */
  readonly notes: readonly string[];
}

/** Runs checks, and keeps the reasons of those that throw. */
interface Findings {
  readonly problems: string[];
  readonly notes: string[];
  attempt(check: () => unknown): Promise<void>;
}

const createFindings = (): Findings => {
  const problems: string[] = [];
  const attempt = async (check: () => unknown): Promise<void> => {
    try {
      await check();
    } catch (error) {
      problems.push(ServingError.from(error).message);
    }
  };
  return { problems, notes: [], attempt };
};

/** Checks a graph and its weights, which are not read. */
const checkGraph = async (
  { directory }: ModelSource,
  graph: GraphSource,
  task: string,
  findings: Findings,
): Promise<void> => {
  const model = await graph.read();
  await findings.attempt(() => assertNodeCount(model));
  await findings.attempt(() => findExternalData(directory, graph.path, model.externalData));
  await findings.attempt(() => {
    const edited = model.externalData.length === 0 ? editGraph(model, graph.path, task) : undefined;
    findings.notes.push(...(edited?.notes ?? []));
    const served = edited?.content ? parseOnnxModel(Buffer.concat(edited.content)) : model;
    findings.problems.push(...graphProblems(describeModel(served)));
  });
};

/**
 * Finds the reasons for which push would refuse a model, without a trial run.
 * @param task default: the task that its folder names
 * @param onConversion called before a model of another library is converted
 * @throws the errors of `findSource`, when there is no model to check
 */
export const checkModel = async (
  path: string,
  task?: string,
  onConversion: () => void = () => {},
): Promise<CheckedModel> => {
  const { source, outline } = await findSource(path, onConversion);
  const findings = createFindings();
  const { problems, notes } = findings;
  notes.push(...(source.conversion?.notes ?? []));
  for (const graph of Object.values(source.graphs))
    await findings.attempt(() => checkGraph(source, graph, task ?? '', findings));
  let recognised: RecognisedTask | undefined;
  await findings.attempt(async () => {
    recognised = task === undefined ? await recogniseTask(source) : { task: parseTask(task), reason: 'as asked for' };
    notes.push(...((await readSettings(source, recognised)).notes ?? []));
  });
  return {
    ...(recognised && { recognised }),
    graphs: Object.fromEntries(Object.entries(source.graphs).map(([role, { path: file }]) => [role, file])),
    problems: [...new Set(problems)],
    notes,
    ...(outline && { outline }),
  };
};
