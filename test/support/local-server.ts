import { cp, mkdir, mkdtemp, rename, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { startEmbeddedAws } from '../../local/aws/embedded-aws.ts';
import { type LocalServer, type LocalServerOptions, startLocalServer } from '../../local/local-server.ts';
import { pushSamples } from '../../local/samples.ts';

/** Of this run of jest, in which the sample models stay as they are. */
const { RUN_FOLDER = '' } = process.env;
const SAMPLES = join(RUN_FOLDER, 'samples');

const pushOnce = async (): Promise<void> => {
  if (await stat(SAMPLES).catch(() => undefined)) return;
  const directory = await mkdtemp(`${SAMPLES}-`);
  const aws = await startEmbeddedAws({ directory, buckets: ['models', 'data'] });
  await pushSamples({ folder: 'models', s3Endpoint: aws.endpoint, bucket: 'models', onLine: () => {} });
  await aws.stop();
  // Another test file may have been first.
  await rename(directory, SAMPLES).catch(() => rm(directory, { recursive: true }));
};

/**
 * `npm start` in `directory`, with the sample models that its first start pushes: they are pushed once for all test files of a run. The
 * processes of other functions than `infer` start with their first event.
 */
export const startWithSamples = async (
  directory: string,
  options: Partial<LocalServerOptions> = {},
): Promise<LocalServer> => {
  await pushOnce();
  await mkdir(directory, { recursive: true });
  await cp(SAMPLES, join(directory, 'aws'), { recursive: true });
  return startLocalServer({ directory, port: 0, onLine: () => {}, atOnce: ['infer'], ...options });
};
