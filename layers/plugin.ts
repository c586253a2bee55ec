import { glob, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { messageOf } from '../src/core/message-of.ts';
import { assertCollector } from '../src/deployment/assert-collector.ts';
import type { FleetService } from '../src/deployment/fleet-parts.ts';
import { ensureLayer, layerNames } from './build.ts';
import { addFunctions } from './fleet.ts';
import { rewriteZip } from './function-zip.ts';
import type { Architecture } from './layer-packages.ts';
import type { ModelsLayerOptions } from './models-layer.ts';
import { buildOpenTelemetryLayer } from './opentelemetry-layer.ts';
import { createParameterCheck } from './parameters.ts';
import { addScaling, prepareScaling } from './scaling.ts';
import { ensureSchemaCache } from './schema-cache.ts';
import { parseStackTags } from './stack-tags.ts';

interface Serverless {
  readonly serviceDir: string;
  readonly processedInput: {
    readonly commands: readonly string[];
    readonly options: unknown;
    readonly isHelpRequest: boolean;
  };
  readonly configurationInput: unknown;
  readonly classes: { readonly Error: new (message: string, code: string) => Error };
  readonly service: {
    readonly provider: {
      readonly architecture: Architecture;
      readonly environment: Readonly<Record<string, unknown>>;
      layers: readonly { readonly Ref?: string }[];
      stackTags?: Record<string, string>;
      readonly compiledCloudFormationTemplate: { readonly Resources: Record<string, unknown> };
    };
    readonly custom: FleetService['custom'] & {
      readonly tags: unknown;
      readonly embedModels: unknown;
      readonly capacity: unknown;
      readonly collector: unknown;
    };
    readonly resources: FleetService['resources'];
    setFunctionNames(options: unknown): void;
    readonly layers: { models?: { readonly path: string }; opentelemetry?: { readonly path: string } };
    readonly functions: Record<
      string,
      {
        readonly layers?: readonly unknown[];
        readonly package?: { readonly artifact?: string };
        provisionedConcurrency?: unknown;
      }
    >;
  };
  getProvider(name: 'aws'): {
    readonly naming: { getStackName(): string };
    getAwsSdkV3Config(): Promise<ModelsLayerOptions['aws']>;
  };
  readonly pluginManager: { readonly plugins: readonly object[] };
}

/**
 * Serverless Framework plugin: builds the layers before they are packaged, so that a clone needs nothing but `sls deploy`. It stands
 * behind serverless-esbuild in the list of plugins, and so finds the functions' zips. It also checks the stage parameters,
 * and does what `tags`, `embedModels`, `fleet`, those of capacity and of a collector ask for.
 */
class LayersPlugin {
  readonly hooks: Record<string, () => Promise<void> | void>;

  constructor(serverless: Serverless) {
    ensureSchemaCache(serverless.serviceDir);
    const checkParameters = createParameterCheck(serverless);
    if (!serverless.processedInput.isHelpRequest) withoutTrace(serverless, checkParameters);
    this.hooks = {
      initialize: () =>
        withoutTrace(serverless, () => {
          checkParameters(); // those with variables, too
          applyParameters(serverless);
        }),
      'before:package:createDeploymentArtifacts': () => buildLayers(serverless),
      'before:deploy:function:packageFunction': () => rewriteFunctionZips(serverless),
      'after:aws:package:finalize:mergeCustomProviderResources': () => addScaling(serverless),
      'before:package:compileLayers': async () => {
        if (serverless.processedInput.commands.join(' ') === 'package') packageWithoutAccount(serverless);
      },
    };
  }
}

/** osls shows where an error was thrown, unless it is one of its own. */
const withoutTrace = ({ classes }: Serverless, work: () => void): void => {
  try {
    work();
  } catch (error) {
    throw new classes.Error(messageOf(error), 'WRONG_PARAMETER');
  }
};

const applyParameters = (serverless: Serverless): void => {
  const { tags, embedModels, collector } = serverless.service.custom;
  serverless.service.provider.stackTags = parseStackTags(String(tags));
  if (String(embedModels).trim() === '') leaveOut(serverless, 'models', 'ModelsLambdaLayer');
  if (!assertCollector(collector)) leaveOut(serverless, 'opentelemetry', 'OpentelemetryLambdaLayer');
  addFunctions(serverless);
  prepareScaling(serverless);
};

/** A layer without files cannot be packaged. */
const leaveOut = ({ service }: Serverless, name: 'models' | 'opentelemetry', resource: string): void => {
  delete service.layers[name];
  service.provider.layers = service.provider.layers.filter(({ Ref }) => Ref !== resource);
};

const packModels = async (serverless: Serverless, layers: readonly string[]): Promise<void> => {
  const { serviceDir, service } = serverless;
  const { models } = service.layers;
  if (models === undefined) return;
  const { buildModelsLayer } = await import('./models-layer.ts');
  const aws = serverless.getProvider('aws');
  const users = Object.values(service.functions).filter((settings) => settings.layers === undefined);
  const packed = await buildModelsLayer({
    directory: path.resolve(serviceDir, models.path),
    stackName: aws.naming.getStackName(),
    aws: await aws.getAwsSdkV3Config(),
    environment: service.provider.environment,
    artifacts: users
      .flatMap((settings) => settings.package?.artifact ?? [])
      .map((zip) => path.resolve(serviceDir, zip)),
    layers,
  });
  for (const { name, version, bytes } of packed)
    process.stdout.write(
      `Packed ${name} version ${version}, ${(bytes / 1e6).toFixed(1)} MB, into the layer of models\n`,
    );
};

const buildLayers = async (serverless: Serverless): Promise<void> => {
  await rewriteFunctionZips(serverless);
  const folders: string[] = [];
  const { serviceDir, service } = serverless;
  for (const name of layerNames) folders.push(await ensureLayer(name, service.provider.architecture));
  const { opentelemetry } = service.layers;
  if (opentelemetry) folders.push(await buildOpenTelemetryLayer(path.resolve(serviceDir, opentelemetry.path)));
  await packModels(serverless, folders);
};

/** serverless-esbuild gives files the modes that they have on disk, which Lambda's user may be unable to read. */
const rewriteFunctionZips = async ({ serviceDir, service }: Serverless): Promise<void> => {
  const artifacts = Object.values(service.functions).flatMap((settings) => settings.package?.artifact ?? []);
  if (artifacts.length === 0)
    throw new Error('serverless-esbuild has written no zip: name it before layers/plugin.ts in serverless.yml.');
  for (const artifact of artifacts) {
    await rewriteZip(path.resolve(serviceDir, artifact));
    await removeLeftCopy(path.basename(artifact, '.zip'));
  }
};

/** serverless-esbuild copies the files of a function into a temporary folder, and fails to remove it, since it is not empty. */
const removeLeftCopy = async (name: string): Promise<void> => {
  for await (const folder of glob(`${name}-${process.pid}-*`, { cwd: tmpdir() }))
    await rm(path.join(tmpdir(), folder), { recursive: true, force: true });
};

/**
 * Before it packages a layer, osls asks CloudFormation whether that layer was deployed already, to save an upload. Without a
 * deployment there is nothing to save, and `sls package` should need neither an account nor a network.
 */
const packageWithoutAccount = ({ pluginManager }: Serverless): void => {
  const compiler = pluginManager.plugins.find((plugin) => 'compareWithLastLayer' in plugin);
  if (!compiler) throw new Error('This osls compiles layers in another way: update layers/plugin.ts.');
  Object.assign(compiler, { compareWithLastLayer: async () => {} });
};

/** osls loads this file with `require` and expects the class. */
export { LayersPlugin as 'module.exports' };
