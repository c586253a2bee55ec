import { ensureLayer, layerNames } from './build.ts';
import type { Architecture } from './layer-packages.ts';

interface Serverless {
  readonly processedInput: { readonly commands: readonly string[] };
  readonly service: { readonly provider: { readonly architecture: Architecture } };
  readonly pluginManager: { readonly plugins: readonly object[] };
}

/** Serverless Framework plugin: builds the layers before they are packaged, so that a clone needs nothing but `sls deploy`. */
class LayersPlugin {
  readonly hooks: Record<string, () => Promise<void>>;

  constructor(serverless: Serverless) {
    this.hooks = {
      'before:package:createDeploymentArtifacts': async () => {
        for (const name of layerNames) await ensureLayer(name, serverless.service.provider.architecture);
      },
      'before:package:compileLayers': async () => {
        if (serverless.processedInput.commands.join(' ') === 'package') packageWithoutAccount(serverless);
      },
    };
  }
}

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
