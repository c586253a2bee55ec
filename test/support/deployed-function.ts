import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFunction, type FunctionProcess } from '../../local/functions/function-process.ts';
import { bundleFunction } from './bundled-function.ts';
import type { EmbeddedStorage } from './embedded-storage.ts';

export interface DeployedFunction extends FunctionProcess {
  /** What the function wrote to its log, by line. */
  readonly lines: Record<string, unknown>[];
  /** Resolves when so many lines with this message are there: one when left out. */
  untilLogged(message: string, count?: number): Promise<void>;
}

/** A function as it is deployed: bundled, in a process of its own, over the buckets of a test. */
export const deployFunction = async (
  name: string,
  storage: Pick<EmbeddedStorage, 'endpoint' | 'modelsBucket' | 'dataBucket'>,
  cacheDirectory: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<DeployedFunction> => {
  const { folder } = await bundleFunction(name);
  const lines: Record<string, unknown>[] = [];
  let whenLogged = (): void => {};
  const deployed = createFunction({
    name,
    modulePath: join(folder, 'handler.mjs'),
    memoryMb: 1769,
    timeoutSeconds: 29,
    environment: {
      AWS_ENDPOINT_URL: storage.endpoint,
      MODELS_BUCKET: storage.modelsBucket,
      DATA_BUCKET: storage.dataBucket,
      MODEL_CACHE_DIR: cacheDirectory,
      POWERTOOLS_SERVICE_NAME: 'test',
      POWERTOOLS_METRICS_NAMESPACE: 'test',
      ORT_DISABLE_TELEMETRY: '1',
      ...environment,
    },
    onLine: (line) => {
      lines.push(line.startsWith('{') ? (JSON.parse(line) as Record<string, unknown>) : { text: line });
      whenLogged();
    },
  });
  const untilLogged = async (message: string, count = 1): Promise<void> => {
    while (lines.filter((line) => line.message === message).length < count)
      await new Promise<void>((resolve) => (whenLogged = resolve));
  };
  return { ...deployed, lines, untilLogged };
};

/** `events/<name>.json` and `events/<name>-….json`, by file name. */
export const readEvents = async (name: string): Promise<Map<string, unknown>> => {
  const files = (await readdir('events')).filter((file) => new RegExp(`^${name}(-.*)?\\.json$`).test(file)).sort();
  return new Map(
    await Promise.all(
      files.map(
        async (file): Promise<[string, unknown]> => [file, JSON.parse(await readFile(join('events', file), 'utf8'))],
      ),
    ),
  );
};
