import './resolve-localhost.ts';
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import tls from 'node:tls';
import { promisify } from 'node:util';
import { gunzipSync } from 'node:zlib';
import {
  AthenaClient,
  GetQueryExecutionCommand,
  GetQueryResultsCommand,
  StartQueryExecutionCommand,
} from '@aws-sdk/client-athena';
import { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { CreateAccessKeyCommand, CreateUserCommand, IAMClient, PutUserPolicyCommand } from '@aws-sdk/client-iam';
import { InvokeCommand, LambdaClient, ListFunctionsCommand } from '@aws-sdk/client-lambda';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  ListObjectVersionsCommand,
  NoSuchKey,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { unzipSync } from 'fflate';
import { sendSigned } from '../../cli/targets/send-signed.ts';
import { dayOf } from '../../src/capture/prediction-id.ts';
import type { CaptureRecord } from '../../src/capture/record.ts';
import { messageOf } from '../../src/core/message-of.ts';
import { ARCHITECTURE } from '../support/architecture.ts';
import { COLOUR_LABELS, SWAPPED_LABELS, writeColours } from '../support/monitoring/colours.ts';
import { sls } from '../support/sls.ts';
import { expectEachObjectOnce } from './bulk-faults.ts';
import { type Emulator, startEmulator } from './emulator.ts';
import { missingPrograms, pythonProgram } from './virtual-environment.ts';

const run = promisify(execFile);
const STAGE = 'e2e';
const MODEL = 'efficientnet-lite0';
const PHOTO = 'models/efficientnet-lite0/samples/coffee.jpg';
const REGION = 'us-east-1';
/** Functions write the counts of canaries every 10 s. A decision needs 100 answers of the stable version, which has nine of ten requests. */
const [COUNTS_MS, LEAST_SENT] = [11_000, 130];
/** `BULK_OBJECTS=5000` takes minutes longer. */
const BULK_OBJECTS = Number(process.env.BULK_OBJECTS ?? 100);
const STEP_MS = 180_000 + BULK_OBJECTS * 200;
/** The emulator runs functions on this machine. */
const FOR_THIS_PROCESSOR = `--param=architecture=${ARCHITECTURE}`;
/** The emulator's root user. */
const ROOT = { accessKeyId: 'test', secretAccessKey: 'test' };
type Credentials = typeof ROOT;

const missing = await missingPrograms();
if (missing.length > 0) {
  const message = `The end-to-end test needs ${missing.join(' and ')} on the PATH.`;
  if (process.env.CI === 'true') throw new Error(message);
  process.stderr.write(`Skipped: ${message}\n`);
}

(missing.length > 0 ? describe.skip : describe)('a stage', () => {
  let emulator: Emulator;
  let cloudFormation: CloudFormationClient;
  let iam: IAMClient;
  let s3: S3Client;
  let lambda: LambdaClient;
  let athena: AthenaClient;

  beforeAll(async () => {
    emulator = await startEmulator();
    tls.setDefaultCACertificates([...tls.getCACertificates(), await readFile(emulator.certificate, 'utf8')]);
    const account = { endpoint: emulator.endpoint, region: REGION, credentials: ROOT };
    cloudFormation = new CloudFormationClient(account);
    iam = new IAMClient(account);
    s3 = new S3Client({ ...account, maxAttempts: 6 }); // the emulator refuses one in twenty requests for a run
    lambda = new LambdaClient(account);
    athena = new AthenaClient(account);
    Object.assign(process.env, { AWS_ACCESS_KEY_ID: ROOT.accessKeyId, AWS_SECRET_ACCESS_KEY: ROOT.secretAccessKey });
  }, 300_000); // the first run installs the emulator
  afterAll(async () => {
    for (const client of [cloudFormation, iam, s3, lambda, athena]) client.destroy();
    await emulator.stop();
  });

  /** Why a step of the story failed: the later ones say no more than that. */
  let failure: string | undefined;
  let stepEndMs = 0;
  /** Waits in a loop of a step. Jest does not end what a step does behind its time: the loop ends itself. */
  const pause = async (ms: number): Promise<void> => {
    if (Date.now() > stepEndMs) throw new Error('the step waits for something that does not come');
    await sleep(ms);
  };
  const step = (name: string, action: () => Promise<void>): void =>
    it(
      name,
      async () => {
        if (failure !== undefined) throw new Error(`an earlier step failed: ${failure}`);
        stepEndMs = Date.now() + STEP_MS;
        try {
          await action();
        } catch (error) {
          failure = messageOf(error);
          process.stderr.write(`${await emulator.log()}\n`);
          throw error;
        }
      },
      STEP_MS + 30_000,
    );

  const environment = ({ accessKeyId, secretAccessKey }: Credentials): NodeJS.ProcessEnv => ({
    PATH: process.env.PATH,
    HOME: path.dirname(emulator.certificate), // nobody's ~/.aws
    AWS_ENDPOINT_URL: emulator.endpoint,
    AWS_REGION: REGION,
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    NODE_EXTRA_CA_CERTS: emulator.certificate,
    NODE_OPTIONS: `--import=${path.resolve('test/e2e/resolve-localhost.ts')}`,
  });

  /** Runs `onnx-serverless` and returns what it printed. @throws Error with what it printed to stderr. */
  const command = async (credentials: Credentials, ...args: string[]): Promise<string> => {
    const env = environment(credentials);
    const { stdout } = await run(process.execPath, ['cli/main.ts', ...args, '--stage', STAGE], { env });
    return stdout;
  };

  const output = async (name: string): Promise<string> => {
    const stack = await cloudFormation.send(new DescribeStacksCommand({ StackName: `onnx-serverless-${STAGE}` }));
    const found = stack.Stacks?.[0]?.Outputs?.find(({ OutputKey }) => OutputKey === name);
    if (!found?.OutputValue) throw new Error(`the stack has no output ${name}`);
    return found.OutputValue;
  };

  /** Waits for `key`, for as long as the step may take. */
  const readWhenThere = async (bucket: string, key: string): Promise<string> => {
    for (;;) {
      try {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
        return (await Body?.transformToString()) ?? '';
      } catch (error) {
        if (!(error instanceof NoSuchKey)) throw error;
        await pause(250);
      }
    }
  };

  /** Runs a query of docs/monitoring.md on this stage and day. Returns its rows, without the names of the columns. */
  const query = async (sql: string, bucket: string): Promise<string[][]> => {
    const QueryString = sql.replace('-dev"', `-${STAGE}"`).replace(/day = '[^']*'/, `day = '${dayOf(Date.now())}'`);
    const ResultConfiguration = { OutputLocation: `s3://${bucket}/athena/` };
    const { QueryExecutionId } = await athena.send(
      new StartQueryExecutionCommand({ QueryString, ResultConfiguration }),
    );
    for (;;) {
      const { QueryExecution } = await athena.send(new GetQueryExecutionCommand({ QueryExecutionId }));
      const { State = '', StateChangeReason } = QueryExecution?.Status ?? {};
      if (State === 'SUCCEEDED') break;
      if (State === 'FAILED' || State === 'CANCELLED') throw new Error(`${State}: ${StateChangeReason}`);
      await pause(100);
    }
    const { ResultSet } = await athena.send(new GetQueryResultsCommand({ QueryExecutionId }));
    const [, ...rows] = (ResultSet?.Rows ?? []).map(({ Data = [] }) =>
      Data.map(({ VarCharValue = '' }) => VarCharValue),
    );
    return rows;
  };

  step('deploys, with a template that cfn-lint accepts', async () => {
    await sls(['deploy', '--stage', STAGE, FOR_THIS_PROCESSOR, '--param=tags=team=e2e'], environment(ROOT));
    const lint = await pythonProgram('cfn-lint');
    // W3005: osls spells out dependencies that references imply.
    await run(lint, [
      '--ignore-checks',
      'W3005',
      '--template',
      '.serverless/cloudformation-template-update-stack.json',
    ]);
  });

  step('has the tags that were asked for', async () => {
    const stack = await cloudFormation.send(new DescribeStacksCommand({ StackName: `onnx-serverless-${STAGE}` }));
    expect(stack.Stacks?.[0]?.Tags).toContainEqual({ Key: 'team', Value: 'e2e' });
  });

  step('is healthy before the first model is pushed, and says how to push one', async () => {
    await expect(command(ROOT, 'predict', MODEL, PHOTO)).rejects.toThrow(`npx onnx-serverless push`);
  });

  step('takes the sample model from the command line', async () => {
    await command(ROOT, 'push', `models/${MODEL}`);
  });

  step('refuses a request that nobody signed', async () => {
    const response = await fetch(`${await output('Endpoint')}/models/${MODEL}`, { method: 'POST', body: 'a photo' });
    expect(response.status).toBe(403);
  });

  step('has no page unless it is asked for', async () => {
    const send = sendSigned(await output('Endpoint'), REGION);
    for (const path of ['/', '/reference', '/openapi.json', '/docs/0/page.js'])
      expect([path, (await send(path, { method: 'GET', headers: {} })).status]).toEqual([path, 404]);
  });

  step('answers a photo of a user who may invoke it, and refuses one who may not', async () => {
    const user = { UserName: 'caller' };
    await iam.send(new CreateUserCommand(user));
    const { AccessKey } = await iam.send(new CreateAccessKeyCommand(user));
    const caller = { accessKeyId: AccessKey?.AccessKeyId ?? '', secretAccessKey: AccessKey?.SecretAccessKey ?? '' };
    const allow = (...actions: string[]) => {
      const policy = { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: '*' }] };
      return iam.send(
        new PutUserPolicyCommand({ ...user, PolicyName: 'allow', PolicyDocument: JSON.stringify(policy) }),
      );
    };

    await allow('cloudformation:DescribeStacks'); // to find the endpoint
    await expect(command(caller, 'predict', MODEL, PHOTO)).rejects.toThrow('the endpoint answers 403');
    await allow('cloudformation:DescribeStacks', 'execute-api:Invoke');
    expect(await command(caller, 'predict', MODEL, PHOTO)).toContain('espresso');
  });

  step('writes the result of an uploaded photo', async () => {
    const bucket = await output('DataBucket');
    await s3.send(
      new PutObjectCommand({ Bucket: bucket, Key: `uploads/${MODEL}/my photo+1.jpg`, Body: await readFile(PHOTO) }),
    );
    const document = JSON.parse(await readWhenThere(bucket, `results/${MODEL}/my photo+1.jpg.json`));
    expect(document).toMatchObject({ status: 'succeeded', model: MODEL, version: 1 });
    expect(document.result[0].label).toBe('espresso');
  });

  step('gives pushes at once versions of their own, and rolls one out and back', async () => {
    const pushes = await Promise.all([1, 2, 3].map(() => command(ROOT, 'push', `models/${MODEL}`, '--json')));
    expect(pushes.map((text) => JSON.parse(text).version).sort()).toEqual([2, 3, 4]);
    expect(await command(ROOT, 'verify', MODEL)).toMatch(/version 1 [\s\S]*version 4 /);

    await Promise.all(['2', '3'].map((version) => command(ROOT, 'promote', MODEL, version)));
    expect(JSON.parse(await command(ROOT, 'history', MODEL, '--json')).history).toHaveLength(3);
    expect(await command(ROOT, 'rollback', MODEL)).toMatch(/stable [23] → [23]/);
    expect(await command(ROOT, 'rollback', MODEL)).toMatch(/stable [23] → 1/);
    await command(ROOT, 'delete', MODEL, '4', '--yes');
    expect(JSON.parse(await command(ROOT, 'show', MODEL, '--json')).versions).toEqual([1, 2, 3]);
  });

  step('evaluates a model, optimises it, promotes the result and takes it back', async () => {
    const data = 'models/sentiment/held-out.tsv';
    await command(ROOT, 'push', 'models/sentiment');
    await command(ROOT, 'monitor', 'sentiment', '--capture', '100%');
    const evaluation = JSON.parse(await command(ROOT, 'evaluate', 'sentiment', '--data', data, '--json'));
    expect(evaluation.models[0].metrics.accuracy.value).toBeGreaterThan(0.8);
    const words = [
      'optimise',
      'sentiment',
      '--data',
      data,
      '--methods',
      'int8-dynamic,float16-weights',
      '--canary',
      '10%',
    ];
    expect(JSON.parse(await command(ROOT, ...words, '--json'))).toMatchObject({ version: 2, from: { version: 1 } });
    expect(JSON.parse(await command(ROOT, 'show', 'sentiment', '--json'))).toMatchObject({
      routing: { stable: 1, canary: { version: 2 } },
    });
    await command(ROOT, 'promote', 'sentiment', '2');
    const answer = await command(ROOT, 'predict', 'sentiment/2', 'models/sentiment/samples/review.txt', '--json');
    expect(JSON.parse(answer)).toMatchObject({ version: 2 });
    expect(await command(ROOT, 'rollback', 'sentiment')).toMatch(/stable 2 → 1/);
  });

  step('captures predictions, and Athena answers the queries of the documentation', async () => {
    const [bucket, send] = [await output('DataBucket'), sendSigned(await output('Endpoint'), REGION)];
    const inputs = Array.from({ length: 100 }, (_, index) => (index % 4 === 0 ? 'It broke at once.' : 'I love it.'));
    const headers = { 'content-type': 'application/json' };
    const body = new TextEncoder().encode(JSON.stringify({ inputs }));
    const answer = await send('/models/sentiment', { method: 'POST', headers, body });
    expect(answer.status).toBe(200);

    const records: CaptureRecord[] = [];
    while (records.length < inputs.length) {
      await pause(250);
      records.length = 0;
      const listing = { Bucket: bucket, Prefix: 'captures/model=sentiment/' };
      const { Contents = [] } = await s3.send(new ListObjectsV2Command(listing));
      for (const { Key } of Contents) {
        const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
        const lines = gunzipSync((await Body?.transformToByteArray()) ?? '')
          .toString()
          .trim()
          .split('\n');
        records.push(...lines.map((line): CaptureRecord => JSON.parse(line)));
      }
    }
    const page = await readFile('docs/monitoring.md', 'utf8');
    const [byLabel = '', ...others] = [...page.matchAll(/```sql\n(SELECT [\s\S]*?)```/g)].map(([, sql = '']) => sql);
    const expected = [...Map.groupBy(records, ({ label }) => label)].map(([label, { length }]) => [label, `${length}`]);
    expect(new Set((await query(byLabel, bucket)).map((row) => row.slice(0, 2)))).toEqual(new Set(expected));
    expect(others).toHaveLength(2);
    for (const sql of others) expect((await query(sql, bucket)).length).toBeGreaterThan(0);
  });

  step('takes a canary back that answers wrong under load, and promotes a good one', async () => {
    const folder = await mkdtemp(path.join(tmpdir(), 'colours-'));
    const send = sendSigned(await output('Endpoint'), REGION);
    const body = new Uint8Array(await readFile('test/fixtures/images/grey.jpg'));
    const roll = async (name: string, labels: readonly string[]) => {
      for (const each of [COLOUR_LABELS, labels]) {
        await writeColours(path.join(folder, name), each);
        await command(ROOT, 'push', path.join(folder, name), '--name', name);
      }
      await command(ROOT, 'shadow', name, '2', '--rate', '1'); // each answer of the stable version is compared
      const plan = '--auto --weight 10% --steps 100 --hold 0s --guard disagreement=20%';
      await command(ROOT, 'canary', name, '2', ...plan.split(' '));
      for (let evaluations = 1; ; evaluations += 1) {
        await pause(0);
        const endMs = Date.now() + COUNTS_MS;
        for (let sent = 0; sent < LEAST_SENT || Date.now() < endMs; sent += 1)
          await send(`/models/${name}`, { method: 'POST', headers: { 'content-type': 'image/jpeg' }, body });
        const Payload = await readFile('events/monitor.json');
        const FunctionName = `onnx-serverless-${STAGE}-monitor`;
        const { FunctionError } = await lambda.send(new InvokeCommand({ FunctionName, Payload }));
        expect(FunctionError).toBeUndefined();
        const [last] = JSON.parse(await command(ROOT, 'history', name, '--json')).history;
        if (last.to.canary === undefined) return { evaluations, last };
      }
    };
    const [wrong, good] = await Promise.all([roll('wrong', SWAPPED_LABELS), roll('good', COLOUR_LABELS)]);
    await rm(folder, { recursive: true });
    const note = expect.stringMatching(/^disagreement: \d+ of/);
    expect(wrong.last).toMatchObject({ by: 'monitor', action: 'rollback', note, to: { stable: 1 } });
    expect(wrong.evaluations).toBeLessThanOrEqual(2);
    expect(good.last).toMatchObject({ by: 'monitor', action: 'promote', to: { stable: 2 } });
  });

  step('answers each of many objects once by its state machine, whatever happens to the children', async () => {
    const stage = { command: (...words: string[]) => command(ROOT, ...words), s3, lambda, pause };
    const bucket = await output('DataBucket');
    await expectEachObjectOnce({ ...stage, bucket, functionName: `onnx-serverless-${STAGE}-bulk` }, BULK_OBJECTS);
  });

  step('measures a copy of its function, and removes the copy', async () => {
    const words = [
      'advise',
      MODEL,
      '--data',
      'models/efficientnet-lite0/samples',
      '--deployed',
      '--memory',
      '512,1769',
    ];
    const advice = JSON.parse(await command(ROOT, ...words, '--json'));
    expect(advice.estimates.map(({ memoryMb }: { memoryMb: number }) => memoryMb)).toEqual([512, 1769]);
    expect(advice.choice.latencyMs.p95).toBeGreaterThan(0);
    const { Functions = [] } = await lambda.send(new ListFunctionsCommand());
    const names = Functions.map(({ FunctionName }) => FunctionName);
    expect(names).toContain(`onnx-serverless-${STAGE}-infer`);
    expect(names.filter((name) => name?.endsWith('-advise'))).toEqual([]);
  });

  step('deploys again with another parameter and the same layers, and keeps its model', async () => {
    const layer = await output('OnnxruntimeLambdaLayerQualifiedArn');
    const parameters = [`--param=preloadModels=${MODEL}`, '--param=docs=on'];
    await sls(['deploy', '--stage', STAGE, FOR_THIS_PROCESSOR, ...parameters], environment(ROOT));
    expect(await output('OnnxruntimeLambdaLayerQualifiedArn')).toBe(layer);
    expect(await command(ROOT, 'predict', MODEL, PHOTO)).toContain('espresso');
  });

  step(
    'answers the page to everybody, and the description to those who sign, where a stage asks for them',
    async () => {
      const endpoint = await output('Endpoint');
      const get = async (path: string, type: string): Promise<string> => {
        const response = await fetch(`${endpoint}${path}`);
        const found = { path, status: response.status, type: response.headers.get('content-type') };
        expect(found).toEqual({ path, status: 200, type: expect.stringContaining(type) });
        return response.text();
      };
      const pages = (await Promise.all(['/', '/reference'].map((path) => get(path, 'text/html')))).join('');
      const files = [...pages.matchAll(/"(\/docs\/[0-9a-f]{12}\/[\w.-]+)"/g)].map(([, file = '']) => file);
      expect(files.length).toBeGreaterThan(3);
      const script = await get(files.find((file) => file.endsWith('/page.js')) ?? '', 'text/javascript');
      const [folder = ''] = /^.*\//.exec(files[0] ?? '') ?? [];
      for (const [, name] of script.matchAll(/from ["']\.\/([\w-]+\.js)["']/g))
        await get(`${folder}${name}`, 'text/javascript');
      expect((await fetch(`${endpoint}/openapi.json`)).status).toBe(403);
      const description = await sendSigned(endpoint, REGION)('/openapi.json', { method: 'GET', headers: {} });
      expect(description.status).toBe(200);
      expect(await description.json()).toMatchObject({ openapi: '3.1.0' });
    },
  );

  step('packs a model into a layer, and answers from there', async () => {
    const embed = (name: string) =>
      sls(['deploy', '--stage', STAGE, FOR_THIS_PROCESSOR, `--param=embedModels=${name}`], environment(ROOT));
    await expect(embed('iris')).rejects.toThrow('embedModels: no model iris');
    await command(ROOT, 'push', 'models/iris');
    expect(await embed('iris')).toContain('Packed iris version 1');
    expect(await output('ModelsLambdaLayerQualifiedArn')).toContain('models');

    for (const [file, bytes] of Object.entries(unzipSync(await readFile('.serverless/models.zip')))) {
      const unpacked = path.join(emulator.embeddedDirectory, file);
      await mkdir(path.dirname(unpacked), { recursive: true });
      await writeFile(unpacked, bytes);
    }
    const bucket = await output('ModelsBucket');
    const { Contents = [] } = await s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: 'models/iris/1/files/' }),
    );
    for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket: bucket, Key }));
    expect(await command(ROOT, 'predict', 'iris', 'models/iris/samples/flowers.csv')).toContain('virginica');
  });

  step('is removed once its buckets are emptied', async () => {
    const buckets = await Promise.all([output('ModelsBucket'), output('DataBucket')]);
    await command(ROOT, 'empty', '--yes');
    for (const Bucket of buckets) {
      const { Versions = [], DeleteMarkers = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket }));
      expect([...Versions, ...DeleteMarkers]).toEqual([]);
    }
    await sls(['remove', '--stage', STAGE], environment(ROOT));
    await expect(output('Endpoint')).rejects.toThrow('does not exist');
    for (const Bucket of buckets)
      await expect(s3.send(new ListObjectVersionsCommand({ Bucket }))).rejects.toThrow('bucket does not exist');
  });
});
