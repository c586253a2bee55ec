import path from 'node:path';
import { ensureLayer, layerNames } from './build.ts';
import { rewriteZip } from './function-zip.ts';
import type { Architecture } from './layer-packages.ts';
import { parseStackTags } from './stack-tags.ts';

interface Serverless {
  readonly serviceDir: string;
  readonly processedInput: { readonly commands: readonly string[] };
  readonly service: {
    readonly provider: { readonly architecture: Architecture; stackTags?: Record<string, string> };
    readonly custom: { readonly tags: string };
    readonly functions: Readonly<Record<string, { readonly package?: { readonly artifact?: string } }>>;
  };
  readonly pluginManager: { readonly plugins: readonly object[] };
}

/**
 * Serverless Framework plugin: builds the layers before they are packaged, so that a clone needs nothing but `sls deploy`. It stands
 * behind serverless-esbuild in the list of plugins, and so finds the functions' zips. It also reads the stage parameter `tags`.
 */
class LayersPlugin {
  readonly hooks: Record<string, () => Promise<void> | void>;

  constructor(serverless: Serverless) {
    this.hooks = {
      initialize: () => {
        serverless.service.provider.stackTags = parseStackTags(serverless.service.custom.tags);
      },
      'before:package:createDeploymentArtifacts': async () => {
        await rewriteFunctionZips(serverless);
        for (const name of layerNames) await ensureLayer(name, serverless.service.provider.architecture);
      },
      'before:deploy:function:packageFunction': () => rewriteFunctionZips(serverless),
      'before:package:compileLayers': async () => {
        if (serverless.processedInput.commands.join(' ') === 'package') packageWithoutAccount(serverless);
      },
    };
  }
}

/** serverless-esbuild gives files the modes that they have on disk, which Lambda's user may be unable to read. */
const rewriteFunctionZips = async ({ serviceDir, service }: Serverless): Promise<void> => {
  const artifacts = Object.values(service.functions).flatMap((settings) => settings.package?.artifact ?? []);
  if (artifacts.length === 0)
    throw new Error('serverless-esbuild has written no zip: name it before layers/plugin.ts in serverless.yml.');
  for (const artifact of artifacts) await rewriteZip(path.resolve(serviceDir, artifact));
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
