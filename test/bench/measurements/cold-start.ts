import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import { embedModels } from '../../../src/authoring/embed-models.ts';
import { measureInTurn, toFigure, toRatio } from '../figures.ts';
import { type Command, type FirstAnswer, firstLine, firstResponse } from '../first-answer.ts';
import { assertSameLabels, type LabelScore, toLabels } from '../labels.ts';
import type { Results } from '../measures.ts';
import { COLD_STARTS } from '../page/cold-start-chart.ts';
import { type Peers, pythonFolder } from '../peers.ts';
import { SAMPLE, type Sample, sampleFolder } from '../sample.ts';
import { projectRoot, type Workbench } from '../workbench.ts';

/** The function of `<folder>/<file>.mjs`, run by Lambda's runtime client. */
export const functionCommand = (
  { directory, environment }: Workbench,
  { runtimeClient }: Pick<Peers, 'runtimeClient'>,
  folder: string,
  file = 'handler',
): Command => ({
  args: [runtimeClient ?? path.join(directory, 'scripts/runtime-loop.mjs'), `${file}.handler`],
  cwd: folder,
  environment: {
    ...environment(),
    LAMBDA_TASK_ROOT: folder,
    _HANDLER: `${file}.handler`,
  },
});

const labelsOf = ({ answer }: FirstAnswer): LabelScore[] => {
  const { statusCode, body } = answer as { statusCode: number; body: string };
  assert.equal(statusCode, 200, body);
  return JSON.parse(body) as LabelScore[];
};

/** The function in Python, run by AWS's runtime client. */
const pythonCommand = (
  python: string,
  environment: Record<string, string>,
  model: Readonly<Record<string, string>>,
): Command => ({
  program: python,
  args: ['-m', 'awslambdaric', 'handler.handler'],
  cwd: pythonFolder,
  environment: {
    ...environment,
    ...model,
    PYTHONPYCACHEPREFIX: path.join(environment.MODEL_CACHE_DIR ?? '', '../python'),
  },
});

/** Puts the files of the sample model where the peers look for them. Returns the variables that say so. */
const uploadForPeers = async ({ storage }: Workbench): Promise<Record<string, string>> => {
  const variables = { PEER_BUCKET: storage.dataBucket, PEER_PREFIX: 'peers/' };
  for (const name of ['config.json', 'preprocessor_config.json', 'onnx/model.onnx']) {
    const Body = await readFile(path.join(sampleFolder, name));
    await storage.client.send(new PutObjectCommand({ Bucket: storage.dataBucket, Key: `peers/${name}`, Body }));
  }
  return variables;
};

/** The commands that answer the photo, by contender: the product and its peers, each with its model in S3 and on its own disk. */
const commandsOf = async (workbench: Workbench, peers: Peers): Promise<Record<string, () => Command>> => {
  const { directory, environment, repository } = workbench;
  const { transformersFolder, python } = peers;
  const infer = path.join(directory, 'infer');
  const layer = path.join(directory, 'embedded');
  await embedModels(repository, [SAMPLE], layer, 0);
  const inS3 = await uploadForPeers(workbench);
  const withVariables = (command: Command, variables: Readonly<Record<string, string>>): Command => ({
    ...command,
    environment: { ...command.environment, ...variables },
  });
  const inferCommand = () => functionCommand(workbench, peers, infer);
  const commands: Record<string, () => Command> = {
    infer: inferCommand,
    embedded: () => withVariables(inferCommand(), { EMBED_MODELS: SAMPLE, EMBEDDED_DIR: layer }),
    collector: () => withVariables(inferCommand(), { OTEL_EXPORTER_OTLP_ENDPOINT: 'http://127.0.0.1:1' }),
  };
  if (transformersFolder !== undefined) {
    commands.transformers = () => functionCommand(workbench, peers, transformersFolder);
    commands.transformersS3 = () =>
      withVariables(functionCommand(workbench, peers, transformersFolder, 'handler-s3'), inS3);
  }
  if (python !== undefined) {
    commands.python = () => pythonCommand(python, environment(), { PEER_MODEL: sampleFolder });
    commands.pythonS3 = () => pythonCommand(python, environment(), inS3);
  }
  return commands;
};

/** The names of the contenders' times. */
const TIMES: Readonly<Record<string, string>> = { ...COLD_STARTS, import: 'cold start, importing the bundle' };

/** Ratios of contenders. */
const RATIOS = [
  ['cold.floor_ratio', 'infer', 'floor'],
  ['cold.transformersjs_ratio', 'infer', 'transformersS3'],
  ['cold.python_ratio', 'infer', 'pythonS3'],
  ['cold.embedded_floor_ratio', 'embedded', 'floor'],
  ['cold.embedded_transformersjs_ratio', 'embedded', 'transformers'],
  ['cold.embedded_python_ratio', 'embedded', 'python'],
  ['cold.init_import_ms_share', 'import', 'infer'],
  ['cold.collector_ratio', 'collector', 'infer'],
] as const;

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
    import: async () => {
      const args = [path.join(directory, 'scripts/import-time.mjs'), path.join(directory, 'infer/handler.mjs')];
      return (await firstLine({ args, cwd: directory, environment: environment() })).answer as number;
    },
  };
  for (const [name, command] of Object.entries(await commandsOf(workbench, peers)))
    contenders[name] = async () => {
      const first = await firstResponse(command(), sample.photoEvent);
      assertSameLabels(labelsOf(first), reference);
      return first.elapsedMs;
    };

  const measured = await measureInTurn({ rounds }, contenders);
  const figures = RATIOS.flatMap(([name, value, floor]) => {
    const [values, floors] = [measured[value], measured[floor]];
    return values && floors ? [[name, toRatio(values, floors)] as const] : [];
  });
  return {
    figures: Object.fromEntries(figures),
    times: Object.fromEntries(
      Object.entries(TIMES).flatMap(([name, what]) => (measured[name] ? [[what, toFigure(measured[name])]] : [])),
    ),
  };
};
