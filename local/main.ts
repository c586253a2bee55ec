import { join } from 'node:path';
import { startLocalServer } from './local-server.ts';

/** `npm start`: serves what serverless.yml describes on this machine, with its state under `.local`, until Ctrl-C. */

const DEFAULT_PORT = 3000;
const MODEL = 'efficientnet-lite0';

const readPort = (text: string | undefined): number => {
  const port = Number(text || DEFAULT_PORT);
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new Error(`PORT is ${text}, expected a number from 0 to 65535`);
};

const explain = (error: unknown): string => {
  const { code, port, message } = error as NodeJS.ErrnoException & { port?: number };
  return code === 'EADDRINUSE'
    ? `Port ${port} is in use. Choose another one: PORT=${Number(port) + 10} npm start`
    : message;
};

/** Metrics go to CloudWatch through the log; here they would only hide the log. */
const printLine = (line: string): void => {
  if (!line.startsWith('{"_aws"')) console.log(line);
};

try {
  const port = readPort(process.env.PORT);
  const directory = join(process.cwd(), '.local');
  const starting = startLocalServer({ directory, port, onLine: printLine });
  const end = (): void => {
    starting.then(({ stop }) => stop()).finally(() => process.exit());
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.once(signal, end);
  const { endpoint, s3Endpoint, dataBucket } = await starting;
  const sample = `models/${MODEL}/samples/coffee.jpg`;
  console.log(`Serving on ${endpoint}

Send a photo:
  curl -H 'content-type: image/jpeg' --data-binary @${sample} ${endpoint}/models/${MODEL}
Send a sentence:
  curl -H 'content-type: text/plain' -d 'I love this phone, it works perfectly.' ${endpoint}/models/sentiment
Drop a photo into the bucket, and find the answer beside it:
  curl -T ${sample} ${s3Endpoint}/${dataBucket}/uploads/${MODEL}/
  curl -f --retry 10 --retry-all-errors ${s3Endpoint}/${dataBucket}/results/${MODEL}/coffee.jpg.json
`);
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}
