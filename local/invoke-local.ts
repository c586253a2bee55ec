import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { DEFAULT_REGION, LOCAL_CREDENTIALS } from '../src/core/aws-defaults.ts';
import { isObject } from '../src/core/is-object.ts';
import { isOtherProcess } from '../src/engine/left-behind.ts';
import { ENDPOINT_FILE, type LocalEndpoint, parseEndpoint } from './local-endpoint.ts';

type Handler = (event: unknown, context: unknown) => Promise<unknown>;

interface Serverless {
  serviceDir: string;
  readonly processedInput: { readonly commands: readonly string[] };
  readonly service: { readonly provider: { environment?: Record<string, unknown> } };
  readonly pluginManager: { readonly plugins: readonly object[] };
}

/** The plugin of osls that invokes functions locally. */
interface Invoker {
  readonly options: { readonly functionObj: { readonly name: string; readonly timeout: number } };
  invokeLocalNodeJs(handlerPath: string, handlerName: string, event: unknown): Promise<void>;
}

/** Serverless Framework plugin: `sls invoke local` of the bundled functions, over the buckets of `npm start` while that runs. */
class InvokeLocalPlugin {
  readonly hooks: Record<string, () => void>;

  constructor(serverless: Serverless) {
    this.hooks = {
      initialize: () => {
        if (serverless.processedInput.commands.join(' ') === 'invoke local') useLocalServer(serverless);
      },
      'before:invoke:local:invoke': () => invokeModules(serverless),
    };
  }
}

/** Without it, the buckets are those of the deployed stage. */
const useLocalServer = ({ serviceDir, service: { provider } }: Serverless): void => {
  const local = readEndpoint(serviceDir);
  if (local === undefined) return;
  const credentials = {
    AWS_REGION: DEFAULT_REGION,
    AWS_ACCESS_KEY_ID: LOCAL_CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_CREDENTIALS.secretAccessKey,
  };
  Object.assign(process.env, credentials);
  provider.environment = {
    ...provider.environment,
    ...credentials,
    MODELS_BUCKET: local.modelsBucket,
    DATA_BUCKET: local.dataBucket,
    AWS_ENDPOINT_URL: local.s3Endpoint,
  };
};

const readEndpoint = (serviceDir: string): LocalEndpoint | undefined => {
  try {
    const local = parseEndpoint(readFileSync(join(serviceDir, '.local', ENDPOINT_FILE), 'utf8'));
    return isOtherProcess(local.pid) ? local : undefined; // one that was killed has left its file
  } catch {
    return undefined; // `npm start` does not run
  }
};

/** osls loads handlers with `require`, which refuses modules that await at their top level. */
const invokeModules = (serverless: Serverless): void => {
  const invoker = serverless.pluginManager.plugins.find((plugin): plugin is Invoker => 'invokeLocalNodeJs' in plugin);
  if (!invoker) throw new Error('This osls invokes functions in another way: update local/invoke-local.ts.');
  const invoke = async (handlerPath: string, handlerName: string, event: unknown): Promise<void> => {
    const { functionObj } = invoker.options;
    const module = join(serverless.serviceDir, `${handlerPath}.mjs`); // serverless-esbuild has moved it to its bundles
    const { [handlerName]: handler }: Readonly<Record<string, Handler>> = await import(pathToFileURL(module).href);
    if (handler === undefined) throw new Error(`${module} exports no ${handlerName}`);
    const endsAtMs = Date.now() + functionObj.timeout * 1000;
    const context = {
      awsRequestId: randomUUID(),
      functionName: functionObj.name,
      getRemainingTimeInMillis: () => endsAtMs - Date.now(),
    };
    const result = await handler(event, context);
    console.log(JSON.stringify(result, undefined, 2));
    if (isFailure(result)) process.exitCode = 1;
  };
  // An error that reached osls would end its run before serverless-esbuild stops its process, which would keep this one alive.
  invoker.invokeLocalNodeJs = (...invocation) =>
    invoke(...invocation).catch((error: unknown) => {
      console.error('Invoke Error', error);
      process.exitCode = 1;
    });
};

/** Tells whether the function answers that the event failed: by the status of a response, or by the messages of a batch. */
const isFailure = (result: unknown): boolean => {
  if (!isObject(result)) return false;
  const { statusCode, batchItemFailures } = result;
  const isRefused = typeof statusCode === 'number' && statusCode >= 400;
  return isRefused || (Array.isArray(batchItemFailures) && batchItemFailures.length > 0);
};

/** osls loads this file with `require` and expects the class. */
export { InvokeLocalPlugin as 'module.exports' };
