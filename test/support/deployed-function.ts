import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createFunction, type FunctionProcess } from '../../local/functions/function-process.ts';
import { bundleFunction } from './bundled-function.ts';
import type { EmbeddedStorage } from './embedded-storage.ts';

export interface DeployedFunction extends FunctionProcess {
  /** What the function wrote to its log, by line. The lines of an invocation may come after its answer. */
  readonly lines: LogLine[];
  /** Resolves when so many lines with this message, or of this kind, are there: one when left out. Returns them. */
  untilLogged(kind: string | ((line: LogLine) => boolean), count?: number): Promise<LogLine[]>;
}

export type LogLine = Record<string, unknown>;

/** A function as it is deployed: bundled, in a process of its own, over the buckets of a test. */
export const deployFunction = async (
  name: string,
  storage: Pick<EmbeddedStorage, 'endpoint' | 'modelsBucket' | 'dataBucket'>,
  cacheDirectory: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<DeployedFunction> => {
  const { folder } = await bundleFunction(name);
  const lines: LogLine[] = [];
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
      lines.push(line.startsWith('{') ? (JSON.parse(line) as LogLine) : { text: line });
      whenLogged();
    },
  });
  const untilLogged: DeployedFunction['untilLogged'] = async (kind, count = 1) => {
    const isOfKind = typeof kind === 'string' ? (line: LogLine) => line.message === kind : kind;
    for (;;) {
      const found = lines.filter(isOfKind);
      if (found.length >= count) return found;
      await new Promise<void>((resolve) => (whenLogged = resolve));
    }
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
