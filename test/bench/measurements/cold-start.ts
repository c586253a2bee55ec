import assert from 'node:assert/strict';
import path from 'node:path';
import { measureInTurn, toFigure, toRatio } from '../figures.ts';
import { type Command, type FirstAnswer, firstLine, firstResponse } from '../first-answer.ts';
import { assertSameLabels, type LabelScore, toLabels } from '../labels.ts';
import type { Results } from '../measures.ts';
import type { Peers } from '../peers.ts';
import type { Sample } from '../sample.ts';
import { projectRoot, type Workbench } from '../workbench.ts';

/** The function of `<folder>/handler.mjs`, run by Lambda's runtime client. */
export const functionCommand = (
  { directory, environment }: Workbench,
  { runtimeClient }: Peers,
  folder: string,
): Command => ({
  args: [runtimeClient ?? path.join(directory, 'scripts/runtime-loop.mjs'), 'handler.handler'],
  cwd: folder,
  environment: {
    ...environment(),
    LAMBDA_TASK_ROOT: folder,
    _HANDLER: 'handler.handler',
  },
});

const labelsOf = ({ answer }: FirstAnswer): LabelScore[] => {
  const { statusCode, body } = answer as { statusCode: number; body: string };
  assert.equal(statusCode, 200, body);
  return JSON.parse(body) as LabelScore[];
};

/** From spawn to the first answer, each in a process of its own; and how long the import of our bundle takes. */
export const measureColdStart = async (
  workbench: Workbench,
  sample: Sample,
  peers: Peers,
  rounds: number,
): Promise<Results> => {
  const { directory, environment } = workbench;
  const [photoPath = ''] = sample.photoPaths;
  /** onnxruntime and sharp as npm installs them: what the layers make of them is the product's. */
  const installed = path.join(projectRoot, 'node_modules');
  let reference: LabelScore[] = []; // of the floor, which has the first turn

  const answerOf = async (command: Command): Promise<number> => {
    const first = await firstResponse(command, sample.photoEvent);
    assertSameLabels(labelsOf(first), reference);
    return first.elapsedMs;
  };
  const contenders: Record<string, () => Promise<number>> = {
    floor: async () => {
      const args = [path.join(directory, 'floors/cold-start.mjs'), sample.graphPath, photoPath];
      const { answer, elapsedMs } = await firstLine({
        args,
        cwd: directory,
        environment: { ...environment(), NODE_PATH: installed },
      });
      reference = toLabels(Float32Array.from(answer as number[]), sample.id2label);
      return elapsedMs;
    },
    infer: () => answerOf(functionCommand(workbench, peers, path.join(directory, 'infer'))),
    import: async () => {
      const args = [path.join(directory, 'scripts/import-time.mjs'), path.join(directory, 'infer/handler.mjs')];
      return (await firstLine({ args, cwd: directory, environment: environment() })).answer as number;
    },
  };
  const { transformersFolder } = peers;
  if (transformersFolder !== undefined)
    contenders.transformers = () => answerOf(functionCommand(workbench, peers, transformersFolder));

  const { floor = [], infer = [], import: imports = [], transformers } = await measureInTurn({ rounds }, contenders);
  return {
    figures: {
      'cold.floor_ratio': toRatio(infer, floor),
      ...(transformers && { 'cold.transformersjs_ratio': toRatio(infer, transformers) }),
      'cold.init_import_ms_share': toRatio(imports, infer),
    },
    times: {
      'cold start, bare script': toFigure(floor),
      'cold start, packaged infer': toFigure(infer),
      'cold start, importing the bundle': toFigure(imports),
      ...(transformers && { 'cold start, transformers.js': toFigure(transformers) }),
    },
  };
};
