import type { Estimate } from '../../src/advise/estimate.ts';
import { measureDeployed } from '../../src/advise/measure-deployed.ts';
import type { Prices } from '../../src/advise/prices.ts';
import { ServingError } from '../../src/core/errors.ts';
import { openSamples } from '../../src/evaluation/samples/read-samples.ts';
import type { SampleInput } from '../../src/evaluation/samples/sample.ts';
import type { PublishedBundle } from '../../src/repository/versions/bundle.ts';
import { MAX_REQUEST_BYTES, readInput } from '../options/predict-input.ts';
import { regionOf } from './aws-settings.ts';
import { copyFunction } from './function-copy.ts';
import { readServiceName } from './stack.ts';

/** The function that answers requests, and the sizes that it is measured at: those that a new account may have. */
const FUNCTION = 'infer';
export const DEPLOYED_SIZES: readonly number[] = [512, 1024, 1769, 2048, 3008];
/** Samples that are sent in turn. */
const MOST_SAMPLES = 20;

/** The event of API Gateway for a request with this body (payload format 2.0). */
const toEvent = (path: string, contentType: string, body: Buffer): object => ({
  version: '2.0',
  routeKey: 'ANY /{proxy+}',
  rawPath: path,
  rawQueryString: '',
  headers: { 'content-type': contentType },
  requestContext: {
    ...{ accountId: 'advise', apiId: 'advise', domainName: 'advise', domainPrefix: 'advise', stage: '$default' },
    ...{ requestId: 'advise', routeKey: 'ANY /{proxy+}' },
    http: { method: 'POST', path, protocol: 'HTTP/1.1', sourceIp: '127.0.0.1', userAgent: 'onnx-serverless' },
  },
  body: body.toString('base64'),
  isBase64Encoded: true,
});

const eventOf = async ({ name, version, task }: PublishedBundle, input: SampleInput): Promise<object | undefined> => {
  const path = `/models/${name}/versions/${version}`;
  if ('json' in input) {
    const inputs = task === 'tensor' ? input.json : [input.json];
    return toEvent(path, 'application/json', Buffer.from(JSON.stringify({ inputs })));
  }
  const { body, contentType } = await readInput(input.file);
  return body.byteLength > MAX_REQUEST_BYTES ? undefined : toEvent(path, contentType, body);
};

const readEvents = async (bundle: PublishedBundle, data: string): Promise<object[]> => {
  const events: object[] = [];
  for await (const { input } of (await openSamples(data)).read()) {
    const event = await eventOf(bundle, input);
    if (event !== undefined) events.push(event);
    if (events.length === MOST_SAMPLES) break;
  }
  if (events.length > 0) return events;
  throw new ServingError('INVALID_REQUEST', `--data ${data} has no sample that fits into a request`);
};

export interface StageMeasurement {
  readonly stage: string;
  readonly region: string | undefined;
  readonly projectDirectory: string;
  readonly data: string;
  readonly sizes: readonly number[];
  readonly prices: Prices;
  readonly onStep: (step: string) => void;
}

/** Measures a version on a copy of the stage's function, which is removed again. @throws `NOT_FOUND`; errors of AWS */
export const measureStage = async (
  bundle: PublishedBundle,
  { stage, region, projectDirectory, data, sizes, prices, onStep }: StageMeasurement,
): Promise<Estimate[]> => {
  const events = await readEvents(bundle, data);
  const original = `${await readServiceName(projectDirectory)}-${stage}-${FUNCTION}`;
  onStep(`copying ${original}`);
  const copy = await copyFunction(original, regionOf(region), events);
  try {
    return await measureDeployed(copy, bundle.version, sizes, prices, onStep);
  } finally {
    onStep(`removing ${copy.name}`);
    await copy.remove();
  }
};
