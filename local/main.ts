import { join } from 'node:path';
import type { ServedEvent } from './events/event-kind.ts';
import { startLocalServer } from './local-server.ts';
import { isMetricLine } from './metrics/metric-lines.ts';
import { readStartOptions } from './start-options.ts';

/** `npm start`: serves what serverless.yml describes on this machine, with its state under `.local`, until Ctrl-C. */

const MODEL = 'efficientnet-lite0';

const explain = (error: unknown): string => {
  if (!(error instanceof Error)) return String(error);
  const isPortTaken = 'code' in error && error.code === 'EADDRINUSE' && 'port' in error;
  if (!isPortTaken) return error.message;
  return `Port ${error.port} is in use. Choose another one: PORT=${Number(error.port) + 10} npm start`;
};

/** A line for each event, its function first. */
const listEvents = (served: readonly ServedEvent[]): string => {
  const width = Math.max(...served.map(({ functionName }) => functionName.length));
  return served.map(({ functionName, description }) => `  ${functionName.padEnd(width)}  ${description}\n`).join('');
};

/** Metrics would only hide the log; they are served for Prometheus. */
const printLine = (line: string): void => {
  if (!isMetricLine(line)) console.log(line);
};

try {
  const options = readStartOptions(process.argv.slice(2), process.env);
  const directory = join(process.cwd(), '.local');
  const starting = startLocalServer({ ...options, directory, onLine: printLine });
  const end = (): void => {
    starting.then(({ stop }) => stop()).finally(() => process.exit());
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, end);
  const { endpoint, s3Endpoint, metricsEndpoint, dataBucket, served } = await starting;
  const sample = `models/${MODEL}/samples/coffee.jpg`;
  console.log(`Serving on ${endpoint}
${listEvents(served)}
Send a photo:
  curl -H 'content-type: image/jpeg' --data-binary @${sample} ${endpoint}/models/${MODEL}
Send a sentence:
  curl -H 'content-type: text/plain' -d 'I love this phone, it works perfectly.' ${endpoint}/models/sentiment
Drop a photo into the bucket, and find the answer beside it:
  curl -T ${sample} ${s3Endpoint}/${dataBucket}/uploads/${MODEL}/
  curl -f --retry 10 --retry-all-errors ${s3Endpoint}/${dataBucket}/results/${MODEL}/coffee.jpg.json
Try the models in a browser: ${endpoint}/
Watch the models: ${metricsEndpoint}/monitor
Metrics for Prometheus: ${metricsEndpoint}/metrics
`);
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
