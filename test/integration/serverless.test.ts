import { generateKeyPairSync } from 'node:crypto';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import { layerNames } from '../../layers/build.ts';
import { CHUNK_ATTEMPTS } from '../../local/aws/states-api.ts';
import { parseTrustedKeys } from '../../src/core/trusted-keys.ts';
import { MOST_ATTEMPTS } from '../../src/jobs/run-job.ts';
import { PAUSES_SECONDS } from '../../src/jobs/webhooks/delivery.ts';
import { KEYS_TTL_MS } from '../../src/lambda/authorise.ts';
import { DIMENSIONS, METRICS, type Metric, type MetricName } from '../../src/lambda/metrics.ts';
import { CAPTURE_COLUMNS } from '../support/monitoring/capture-columns.ts';
import { copyProject } from '../support/project-copy.ts';
import { sls } from '../support/sls.ts';
import { zipEntries } from '../support/zip-entries.ts';

interface Resource {
  readonly Type: string;
  readonly DependsOn?: readonly string[];
  // biome-ignore lint/suspicious/noExplicitAny: a template is as deep as CloudFormation's documentation
  readonly Properties: any;
}
interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}
interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, unknown>>;
  readonly Parameters: Readonly<Record<string, { readonly Default: string }>>;
  readonly Conditions: Readonly<Record<string, unknown>>;
}

/** The name of a function in the ids of its resources, as osls makes it: `OnDashupload` for `on-upload`. */
const toLogicalName = (name: string): string => name.charAt(0).toUpperCase() + name.slice(1).replaceAll('-', 'Dash');

const NAMES = (await readdir('functions')).sort();
const FUNCTIONS = NAMES.map((name) => `${toLogicalName(name)}LambdaFunction`);
const AUTHORISE = 'AuthoriseLambdaFunction';
/** Functions that run no model. */
const WITHOUT_LAYERS = [AUTHORISE, 'DocsLambdaFunction', 'MonitorLambdaFunction', 'WebhookLambdaFunction'];
/** The package has no types of its own. */
const validateStates: (definition: unknown) => { readonly isValid: boolean } = createRequire(import.meta.url)(
  'asl-validator',
);
/** The place of state machines and their executions. */
const STATES = `arn:\${AWS::Partition}:states:\${AWS::Region}:\${AWS::AccountId}`;
const LOG_GROUPS = NAMES.map((name) => `${toLogicalName(name)}LogGroup`);
const MAX_FUNCTION_BYTES = 650_000;
/** A collector whose headers are a secret. */
const COLLECTOR = {
  otlpEndpoint: 'https://otlp.example.org:4318',
  otlpHeaders: '{{resolve:secretsmanager:otlp:SecretString:headers}}',
};
const MAX_LAYER_BYTES = { onnxruntime: 18_500_000, sharp: 9_000_000 };

const PUBLIC_KEY = generateKeyPairSync('ed25519')
  .publicKey.export({ type: 'spki', format: 'pem' })
  .toString()
  .replaceAll('\n', '');

/** Metrics of AWS that alarms and widgets name. */
const AWS_METRICS: Readonly<Record<string, readonly string[]>> = {
  'AWS/Lambda': ['Errors', 'Throttles', 'Duration'],
  'AWS/SQS': ['ApproximateNumberOfMessagesVisible', 'ApproximateAgeOfOldestMessage'],
  'AWS/ApiGateway': ['5xx', 'Count'],
};

interface DrawnMetric {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: readonly string[];
  readonly statistic?: string;
}

/** A line of a widget: a search, or a metric with its dimensions. */
const drawnMetric = ([first, name = '', ...dimensions]: readonly [
  string | { expression: string },
  ...string[],
]): DrawnMetric => {
  if (typeof first === 'string')
    return { namespace: first, name, dimensions: dimensions.filter((_, index) => index % 2 === 0) };
  const pattern = /^SEARCH\('\{([^}]*)\} service="[^"]+" MetricName="(\w+)"', '(\w+)', 300\)$/;
  const [, schema = '', found = '', statistic = ''] = pattern.exec(first.expression) ?? [];
  const [namespace = '', ...names] = schema.split(',');
  return { namespace, name: found, dimensions: names, statistic };
};

/** Where serverless-esbuild bundles by default: a packaging that was killed, or `sls invoke local`, left its modules there. */
const SHARED_FOLDER = '.esbuild/.build';
const LEFT_BEHIND = 'left-behind.mjs';
const OUTLINE = 'outline';

let directory: string;
let template: Template;
/** Stages with parameters of their own. Each packaging takes seconds: what does not exclude each other shares one. */
let open: Template;
let locked: Template;
let tokens: Template;
let both: Template;

const KEY = 'arn:aws:kms:us-east-1:000000000000:key/k';
const BOUNDARY = 'arn:aws:iam::000000000000:policy/boundary';
const ORIGINS = 'https://a.example,https://b.example';
const CERTIFICATE = 'arn:aws:acm:us-east-1:123456789012:certificate/a';
const ISSUER = 'https://issuer.example.org/';

type Parameters = Readonly<Record<string, string>>;

/** Everybody may call this stage, and nearly every parameter is changed. */
const OPEN: Parameters = {
  ...{ auth: 'none', region: 'eu-west-1', memory: '3008', tmpSize: '2048', preloadModels: 'a,b' },
  ...{ provisionedConcurrency: '2', reservedConcurrency: '20', models: 'a,b,c', trustedKeys: PUBLIC_KEY },
  ...{ modelMemoryShare: '0.5', modelTmpShare: '0.8', requestsPerSecond: '5', requestBurst: '8' },
  ...{ permissionsBoundary: BOUNDARY, rolePath: '/services/', encryption: 'customer', kmsKey: KEY },
  ...{ network: 'vpc', subnets: 'subnet-a,subnet-b', securityGroups: 'sg-a' },
  ...{
    tracing: 'off',
    accessLogs: 'on',
    tags: 'team=vision',
    alarmEmail: 'me@example.org',
    dashboard: 'off',
    accuracyBelow: '0.9',
  },
  ...{
    accountConcurrency: '50',
    jobMemory: '3008',
    jobConcurrency: '7',
    jobBodyBytes: '1000000',
    jobModels: 'whisper,nllb',
  },
  ...COLLECTOR,
  ...{ webhookHosts: 'ci.internal:8080', domain: 'models.example.org', certificate: CERTIFICATE },
};
/** Holders of keys may call this stage, from pages of other sites, too. Its capacity follows the day. */
const LOCKED: Parameters = {
  ...{ auth: 'key', maxMonthlyDollars: '25.5', cors: 'on', corsOrigins: ORIGINS, docs: 'on' },
  ...{ uploadConcurrency: '3', bulkConcurrency: '20', accountConcurrency: '50', reservedConcurrency: '20' },
  ...{ provisionedConcurrency: '1', provisionedMaximum: '8', provisionedUtilisation: '0.6' },
  ...{ provisionedSchedule: 'weekdays 8-18: 5', scheduleTimezone: 'Europe/Berlin', scheduleLead: '10' },
};
const FLEET = [{ name: 'big', models: ['whisper'], memory: 10_240, tmpSize: 4096, reservedConcurrency: 3 }];
const TOKENS: Parameters = { auth: 'jwt', jwtIssuer: ISSUER, jwtAudience: 'models', jwtScopePrefix: 'onnx/' };
/** Holders of keys and of tokens may call this stage, which has a function of its own for one of its models. */
const BOTH: Parameters = { ...TOKENS, auth: 'key_or_jwt', fleet: JSON.stringify(FLEET), models: 'iris,whisper' };

/** Packages with no account, no credentials, and an AWS that refuses connections. */
const packageWith = async (
  name: string,
  parameters: Parameters,
  variables: NodeJS.ProcessEnv = {},
  project?: string,
): Promise<Template> => {
  const target = path.join(directory, name);
  const args = Object.entries(parameters).map(([parameter, value]) => `--param=${parameter}=${value}`);
  const aws = { AWS_ENDPOINT_URL: 'http://127.0.0.1:1' };
  const environment = { PATH: process.env.PATH, HOME: directory, ...aws, ...variables };
  await sls(['package', '--package', target, ...args], environment, project);
  return JSON.parse(await readFile(path.join(target, 'cloudformation-template-update-stack.json'), 'utf8')) as Template;
};

/** Packages a stage whose template alone is looked at: it depends on no code. */
const packageStage = (name: string, parameters: Parameters, variables: NodeJS.ProcessEnv = {}): Promise<Template> =>
  packageWith(name, parameters, variables, path.join(directory, OUTLINE));

/** Copies the project with empty functions and layers, which are packaged in less than half of the time. */
const copyOutline = async (): Promise<void> => {
  const project = path.join(directory, OUTLINE);
  await copyProject(project);
  for (const name of NAMES)
    await writeFile(path.join(project, 'functions', name, 'handler.ts'), 'export const handler = async () => {};');
  for (const name of layerNames) {
    const manifest = path.join('layers', name, 'build', 'x86_64', `${name}.json`); // a layer that has it is up to date
    await cp(manifest, path.join(project, manifest));
  }
};

const resource = ({ Resources }: Template, id: string): Resource => {
  const found = Resources[id];
  if (!found) throw new Error(`the template has no ${id}, only ${Object.keys(Resources)}`);
  return found;
};
const properties = (id: string) => resource(template, id).Properties;
const ofType = (type: string, { Resources } = template) =>
  Object.values(Resources).filter((candidate) => candidate.Type === type);
const roleOf = (id: string): string => properties(id).Role['Fn::GetAtt'][0];
/** The statements of a role's policies; a policy that a parameter leaves out is no document. */
const statementsOf = (role: string): Statement[] =>
  properties(role).Policies.flatMap(({ PolicyDocument }: Resource['Properties']) => PolicyDocument?.Statement ?? []);

/** Every text in a value of the template. */
const textsIn = (value: unknown): string[] =>
  typeof value === 'object' && value !== null ? Object.values(value).flatMap(textsIn) : [String(value)];

/** The statements in a resource that allow something. */
const allowedIn = (value: Resource['Properties']): Resource['Properties'][] => {
  if (typeof value !== 'object' || value === null) return [];
  return value.Effect === 'Allow' ? [value] : Object.values(value).flatMap(allowedIn);
};

/** A function in a VPC makes its own network interfaces; EC2 knows no narrower resource. */
const NETWORK_ACTIONS = [
  ...['ec2:AssignPrivateIpAddresses', 'ec2:CreateNetworkInterface', 'ec2:DeleteNetworkInterface'],
  ...['ec2:DescribeNetworkInterfaces', 'ec2:DescribeSubnets', 'ec2:UnassignPrivateIpAddresses'],
].join(' ');

/** Every statement of a template that allows something, in a line: its resource, the actions, and the objects or the principal. */
const everyStatement = ({ Resources }: Template): string[] =>
  Object.entries(Resources)
    .flatMap(([id, { Properties }]) =>
      allowedIn(Properties).map(({ Action, Resource: on, Principal: to }) =>
        [id, textsIn(Action).sort().join(' '), textsIn(on ?? to).join('/')].join(' | '),
      ),
    )
    .sort();

/** The resources that a value of the template refers to. */
const referencesIn = (value: unknown): string[] => {
  if (typeof value !== 'object' || value === null) return [];
  const inner = Object.entries(value).flatMap(([key, one]: [string, unknown]) => {
    if (key === 'Ref') return [String(one)];
    if (key === 'Fn::GetAtt') return textsIn(one).slice(0, 1);
    if (key === 'Fn::Sub')
      return textsIn(one).flatMap((text) => [...text.matchAll(/\$\{([^!.}]+)/g)].map(([, id = '']) => id));
    return referencesIn(one);
  });
  return inner.filter((id) => !id.startsWith('AWS::'));
};

/** One environment always, five in office hours, and up to eight while they are busy. */
const expectScaling = (stage: Template): void => {
  expect(resource(stage, 'InferProvConcLambdaAlias').Properties).not.toHaveProperty('ProvisionedConcurrencyConfig');
  const target = resource(stage, 'InferProvConcLambdaAliasTarget');
  expect(target.DependsOn).toEqual(['InferProvConcLambdaAlias']);
  const [at, until] = ['cron(50 7 ? * MON,TUE,WED,THU,FRI *)', 'cron(0 18 ? * MON,TUE,WED,THU,FRI *)'];
  const scheduled = { Timezone: 'Europe/Berlin' };
  expect(target.Properties).toMatchObject({
    ...{ MinCapacity: 1, MaxCapacity: 8, ServiceNamespace: 'lambda' },
    ResourceId: { 'Fn::Sub': `function:\${InferLambdaFunction}:provisioned` },
    ScheduledActions: [
      { ...scheduled, Schedule: at, ScalableTargetAction: { MinCapacity: 5, MaxCapacity: 8 } },
      { ...scheduled, Schedule: until, ScalableTargetAction: { MinCapacity: 1, MaxCapacity: 8 } },
    ],
  });
  expect(resource(stage, 'InferProvConcLambdaAliasPolicy').Properties).toMatchObject({
    ScalingTargetId: { Ref: 'InferProvConcLambdaAliasTarget' },
    TargetTrackingScalingPolicyConfiguration: {
      TargetValue: 0.6,
      PredefinedMetricSpecification: { PredefinedMetricType: 'LambdaProvisionedConcurrencyUtilization' },
    },
  });
};

beforeAll(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'sls-package-'));
  for (const name of NAMES) {
    await mkdir(path.join(SHARED_FOLDER, 'functions', name), { recursive: true });
    await writeFile(path.join(SHARED_FOLDER, 'functions', name, LEFT_BEHIND), 'export {};');
  }
  template = await packageWith('default', {});
  await copyOutline();
});
beforeAll(async () => {
  open = await packageStage('open', OPEN, { SERVICE_NAME: 'vision' });
});
beforeAll(async () => {
  locked = await packageStage('locked', LOCKED);
});
beforeAll(async () => {
  tokens = await packageStage('tokens', TOKENS);
});
beforeAll(async () => {
  both = await packageStage('both', BOTH);
});
afterAll(async () => {
  await rm(directory, { recursive: true });
  await rm(SHARED_FOLDER, { recursive: true, force: true });
});

describe('sls package', () => {
  it('writes functions that hold their own bundle and nothing native, nor what others left, within their size', async () => {
    for (const name of NAMES) {
      const archive = await readFile(path.join(directory, 'default', `${name}.zip`));
      process.stdout.write(`${name}.zip  ${(archive.length / 1000).toFixed(0)} KB\n`);
      const entries = zipEntries(archive).map((entry) => entry.name);
      expect(entries.filter((entry) => !new RegExp(`^functions/${name}/[^/]+\\.mjs$`).test(entry))).toEqual([]);
      expect(entries).toContain(`functions/${name}/handler.mjs`);
      expect(entries).not.toContain(`functions/${name}/${LEFT_BEHIND}`);
      expect(archive.length).toBeLessThanOrEqual(MAX_FUNCTION_BYTES);
    }
  });

  it('writes layers within their size', async () => {
    for (const [name, maxBytes] of Object.entries(MAX_LAYER_BYTES)) {
      const { size } = await stat(path.join(directory, 'default', `${name}.zip`));
      process.stdout.write(`${name}.zip  ${(size / 1e6).toFixed(1)} MB\n`);
      expect(size).toBeLessThanOrEqual(maxBytes);
    }
  });

  it('has a layer of models with embedModels alone, which needs a stack with models', async () => {
    const references = referencesIn(resource(template, 'InferLambdaFunction').Properties.Layers);
    expect(references).toEqual(['OnnxruntimeLambdaLayer', 'SharpLambdaLayer']);
    expect(Object.keys(template.Resources)).not.toContain('ModelsLambdaLayer');
    const credentials = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b', AWS_MAX_ATTEMPTS: '1' };
    await expect(packageStage('embedding', { embedModels: 'iris' }, credentials)).rejects.toThrow(
      /embedModels: the stack onnx-serverless-dev cannot be read: .*ECONNREFUSED/,
    );
  });

  it('has a layer of OpenTelemetry, and tells functions of a collector, with otlpEndpoint alone', async () => {
    expect(Object.keys(template.Resources)).not.toContain('OpentelemetryLambdaLayer');
    const { size } = await stat(path.join(directory, 'open', 'opentelemetry.zip'));
    expect(size).toBeLessThanOrEqual(60_000);
    for (const id of FUNCTIONS) {
      const { Variables } = resource(open, id).Properties.Environment;
      expect(Variables).toMatchObject({
        OTEL_EXPORTER_OTLP_ENDPOINT: COLLECTOR.otlpEndpoint,
        OTEL_EXPORTER_OTLP_HEADERS: COLLECTOR.otlpHeaders,
      });
      expect(properties(id).Environment.Variables).toMatchObject({
        ...{ OTEL_EXPORTER_OTLP_ENDPOINT: '', OTEL_EXPORTER_OTLP_HEADERS: '' },
      });
      if (WITHOUT_LAYERS.includes(id)) continue;
      const layers = referencesIn(resource(open, id).Properties.Layers);
      expect(layers).toEqual(['OnnxruntimeLambdaLayer', 'SharpLambdaLayer', 'OpentelemetryLambdaLayer']);
    }
  });

  it('refuses a collector without an address', async () => {
    const message = await packageStage('headers', { otlpHeaders: 'api-key=abc' }).then(String, String);
    expect(message).toContain(
      'the parameter otlpEndpoint is "", expected an address such as https://otlp.example.org:4318',
    );
  });

  it('deploys the functions that have a folder', () => {
    const names = ofType('AWS::Lambda::Function').map(({ Properties }) => Properties.FunctionName);
    expect(names.sort()).toEqual(NAMES.map((name) => `onnx-serverless-dev-${name}`));
  });

  it('takes every parameter of a stage', () => {
    expect(resource(open, 'InferLambdaFunction').Properties).toMatchObject({
      MemorySize: 3008,
      EphemeralStorage: { Size: 2048 },
      ReservedConcurrentExecutions: 20,
      Environment: { Variables: { PRELOAD_MODELS: 'a,b' } },
    });
    for (const id of FUNCTIONS) {
      const { Variables } = resource(open, id).Properties.Environment;
      expect(Variables).toMatchObject({ MODELS: 'a,b,c', MODEL_MEMORY_SHARE: '0.5', MODEL_TMP_SHARE: '0.8' });
      expect(parseTrustedKeys(Variables.TRUSTED_KEYS)).toHaveLength(1);
    }
    const { ThrottlingRateLimit, ThrottlingBurstLimit } = resource(open, 'HttpApiStage').Properties
      .DefaultRouteSettings;
    expect([ThrottlingRateLimit, ThrottlingBurstLimit].map(Number)).toEqual([5, 8]);
    const [alias] = ofType('AWS::Lambda::Alias', open);
    expect(alias?.Properties.ProvisionedConcurrencyConfig).toEqual({ ProvisionedConcurrentExecutions: 2 });
    const [route] = ofType('AWS::ApiGatewayV2::Route', open);
    expect(route?.Properties).not.toHaveProperty('AuthorizationType');
  });

  it('takes the parameters of an account with rules of its own', () => {
    for (const id of FUNCTIONS) {
      const { VpcConfig, KmsKeyArn, TracingConfig } = resource(open, id).Properties;
      expect([KmsKeyArn, TracingConfig]).toEqual([KEY, { Mode: 'PassThrough' }]);
      expect(VpcConfig).toEqual({
        SubnetIds: { 'Fn::Split': [',', 'subnet-a,subnet-b'] },
        SecurityGroupIds: { 'Fn::Split': [',', 'sg-a'] },
      });
    }
    for (const id of FUNCTIONS.map(roleOf)) {
      const { Path, PermissionsBoundary, Policies } = resource(open, id).Properties;
      expect([Path, PermissionsBoundary]).toEqual(['/services/', BOUNDARY]);
      const names = Policies.flatMap(({ PolicyName = [] }) => PolicyName);
      expect(names.slice(1)).toEqual(['network', 'key']);
    }
    for (const id of ['ModelsBucket', 'DataBucket'])
      expect(resource(open, id).Properties.BucketEncryption.ServerSideEncryptionConfiguration).toEqual([
        { ServerSideEncryptionByDefault: { SSEAlgorithm: 'aws:kms', KMSMasterKeyID: KEY }, BucketKeyEnabled: true },
      ]);
    const queues = ['Upload', 'Job', 'Webhook'].flatMap((name) => [`${name}Queue`, `${name}DeadLetterQueue`]);
    for (const id of [...queues, 'AlarmTopic']) expect(resource(open, id).Properties.KmsMasterKeyId).toBe(KEY);
    for (const id of LOG_GROUPS) expect(resource(open, id).Properties.KmsKeyId).toBe(KEY);
    expect(resource(open, 'HttpApiStage').Properties.AccessLogSettings.Format).toContain('$context.status');
  });

  it('asks the authorizer about keys, and keeps its answer by the key for less than a minute', () => {
    const [route] = ofType('AWS::ApiGatewayV2::Route', locked);
    const [authorizer] = ofType('AWS::ApiGatewayV2::Authorizer', locked);
    expect(route?.Properties).toMatchObject({ AuthorizationType: 'CUSTOM' });
    expect(authorizer?.Properties).toMatchObject({
      ...{ AuthorizerType: 'REQUEST', EnableSimpleResponses: true, AuthorizerPayloadFormatVersion: '2.0' },
      IdentitySource: ['$request.header.Authorization'],
    });
    expect(JSON.stringify(authorizer?.Properties.AuthorizerUri)).toContain(AUTHORISE);
    const ttlSeconds = authorizer?.Properties.AuthorizerResultTtlInSeconds;
    expect(ttlSeconds + KEYS_TTL_MS / 1000).toBeLessThan(60);
    expect(resource(locked, 'InferLambdaFunction').Properties.Environment.Variables.API_AUTH).toBe('key');
  });

  it('has tokens checked by API Gateway, by their issuer and audience', () => {
    const [authorizer] = ofType('AWS::ApiGatewayV2::Authorizer', tokens);
    expect(ofType('AWS::ApiGatewayV2::Route', tokens)[0]?.Properties.AuthorizationType).toBe('JWT');
    expect(authorizer?.Properties).toMatchObject({ JwtConfiguration: { Issuer: ISSUER, Audience: ['models'] } });
    const readers = ['InferLambdaFunction', 'StreamLambdaFunction', 'DocsLambdaFunction'];
    const prefixes = readers.map((id) => resource(tokens, id).Properties.Environment.Variables.JWT_SCOPE_PREFIX);
    expect(new Set(prefixes)).toEqual(new Set(['onnx/']));
  });

  it('has tokens checked by the function itself behind its own URL, where no authorizer can be', () => {
    expect(resource(tokens, 'StreamLambdaFunctionUrl').Properties.AuthType).toBe('NONE');
    expect(resource(tokens, 'StreamLambdaFunction').Properties.Environment.Variables).toMatchObject({
      ...{ API_AUTH: 'jwt', JWT_ISSUER: ISSUER, JWT_AUDIENCE: 'models' },
    });
  });

  it('lets a function tell keys and tokens apart with auth=key_or_jwt', () => {
    expect(ofType('AWS::ApiGatewayV2::Route', both)[0]?.Properties.AuthorizationType).toBe('CUSTOM');
    for (const id of [AUTHORISE, 'StreamLambdaFunction'])
      expect(resource(both, id).Properties.Environment.Variables).toMatchObject({
        ...{ API_AUTH: 'key_or_jwt', JWT_ISSUER: ISSUER, JWT_AUDIENCE: 'models' },
      });
    expect(resource(both, 'StreamLambdaFunctionUrl').Properties.AuthType).toBe('NONE');
  });

  it('answers preflight requests of the given origins without an authorizer', () => {
    expect(resource(locked, 'HttpApi').Properties.CorsConfiguration).toMatchObject({
      AllowOrigins: { 'Fn::Split': [',', ORIGINS] },
      AllowMethods: ['GET', 'POST', 'DELETE'],
      AllowHeaders: expect.arrayContaining(['authorization', 'content-type']),
      ExposeHeaders: expect.arrayContaining(['x-model-version', 'x-request-id']),
    });
    expect(resource(locked, 'DataBucket').Properties.CorsConfiguration.CorsRules).toEqual([
      expect.objectContaining({
        AllowedMethods: ['GET', 'PUT'],
        AllowedHeaders: expect.arrayContaining(['content-type']),
      }),
    ]);
  });

  it('lets the page of a stage read streams from their URL, and tells the page of it where callers need no signature', () => {
    const { AllowOrigins, AllowHeaders } = resource(locked, 'StreamLambdaFunctionUrl').Properties.Cors;
    const [separator, joined] = AllowOrigins['Fn::Split'];
    expect(separator).toBe(',');
    // biome-ignore lint/suspicious/noTemplateCurlyInString: of CloudFormation
    const domain = { 'Fn::If': ['HasDomain', { 'Fn::Sub': 'https://${Domain}' }, { Ref: 'AWS::NoValue' }] };
    expect(joined['Fn::Join'][1]).toEqual([{ 'Fn::GetAtt': ['HttpApi', 'ApiEndpoint'] }, ORIGINS, domain]);
    expect(AllowHeaders).toContain('authorization');
    expect(resource(template, 'StreamLambdaFunctionUrl').Properties.Cors).toEqual({ Ref: 'AWS::NoValue' });
    const url = { 'Fn::GetAtt': ['StreamLambdaFunctionUrl', 'FunctionUrl'] };
    const told = [locked, open, template, tokens].map(
      (stage) => resource(stage, 'DocsLambdaFunction').Properties.Environment.Variables.STREAM_ENDPOINT,
    );
    expect(told).toEqual([url, url, '', url]);
  });

  it('lets the page of a stage put files into the bucket, and tells the page of it where callers need no signature', () => {
    const pages = resource(locked, 'StreamLambdaFunctionUrl').Properties.Cors.AllowOrigins;
    const [{ AllowedOrigins }] = resource(locked, 'DataBucket').Properties.CorsConfiguration.CorsRules;
    expect(AllowedOrigins).toEqual(pages);
    expect(resource(template, 'DataBucket').Properties.CorsConfiguration).toEqual({ Ref: 'AWS::NoValue' });
    const bucket = { 'Fn::GetAtt': ['DataBucket', 'RegionalDomainName'] };
    const told = [locked, open, template, tokens].map(
      (stage) => resource(stage, 'DocsLambdaFunction').Properties.Environment.Variables.UPLOAD_HOST,
    );
    expect(told).toEqual([bucket, bucket, '', bucket]);
  });

  it('has a name of its own, and a log of each request, when a stage wants them', () => {
    expect([template, open].map(({ Parameters }) => Parameters.Domain?.Default)).toEqual(['', 'models.example.org']);
    expect(resource(open, 'HttpApiDomain')).toMatchObject({
      Condition: 'HasDomain',
      Properties: { DomainNameConfigurations: [{ CertificateArn: CERTIFICATE, SecurityPolicy: 'TLS_1_2' }] },
    });
    expect(resource(open, 'HttpApiMapping')).toMatchObject({
      ...{ Condition: 'HasDomain', DependsOn: ['HttpApiStage'] },
      Properties: { ApiId: { Ref: 'HttpApi' }, DomainName: { Ref: 'HttpApiDomain' }, Stage: '$default' },
    });
    expect(resource(open, 'HttpApiStage').Properties).toMatchObject({
      ...{ StageName: '$default', AccessLogSettings: { Format: expect.stringContaining('$context.status') } },
    });
    expect(resource(template, 'HttpApiStage').Properties.AccessLogSettings).toBeUndefined();
  });

  it('stands behind a firewall with the template of the examples', async () => {
    const front = load(await readFile('examples/web-firewall/template.yml', 'utf8')) as Template;
    const { Rules, Scope } = resource(front, 'Firewall').Properties;
    expect(Scope).toBe('CLOUDFRONT'); // the others cannot guard an HTTP API
    expect(Rules.map(({ Name, Priority }: Resource['Properties']) => [Priority, Name])).toEqual([
      ...[
        [0, 'rate'],
        [1, 'reputation'],
        [2, 'inputs'],
      ],
    ]);
    const { DistributionConfig } = resource(front, 'Front').Properties;
    expect(DistributionConfig.WebACLId).toEqual({ 'Fn::GetAtt': ['Firewall', 'Arn'] });
    expect(DistributionConfig.DefaultCacheBehavior.AllowedMethods).toEqual(
      expect.arrayContaining(['GET', 'POST', 'DELETE']),
    );
    expect(template.Outputs.Endpoint).toMatchObject({ Value: { 'Fn::GetAtt': ['HttpApi', 'ApiEndpoint'] } });
  });

  it('has routes to the page and to preflight requests when asked for, and all else behind the lock of the endpoint', () => {
    const routes = ofType('AWS::ApiGatewayV2::Route', locked).map(({ Properties }) => [
      Properties.RouteKey,
      Properties.AuthorizationType ?? 'NONE',
    ]);
    expect(routes.sort()).toEqual([
      ['ANY /', 'NONE'],
      ['ANY /docs/{proxy+}', 'NONE'],
      ['ANY /reference', 'NONE'],
      ['ANY /{proxy+}', 'CUSTOM'],
      ['GET /openapi.json', 'CUSTOM'],
      ['HEAD /openapi.json', 'CUSTOM'],
      ['OPTIONS /{proxy+}', 'NONE'],
    ]);
  });

  it('lets no page of another site call the endpoint by default', () => {
    expect(properties('HttpApi').CorsConfiguration).toEqual({ Ref: 'AWS::NoValue' });
  });

  it('takes the name of the service from the environment', () => {
    expect(resource(open, 'InferLambdaFunction').Properties.FunctionName).toBe('vision-dev-infer');
  });

  it('refuses an unknown authorization in a line that names it, instead of opening the endpoint', async () => {
    const message = await packageStage('wrong', { auth: 'nome' }).then(String, String);
    expect(message).toMatch(/\nthe parameter auth is "nome", expected aws_iam or key or jwt or key_or_jwt or none\n/);
  });
});

describe('the template', () => {
  it.each(FUNCTIONS)('runs %s on x86_64 with Node 24 and tracing', (id) => {
    expect(properties(id)).toMatchObject({
      Runtime: 'nodejs24.x',
      Architectures: ['x86_64'],
      TracingConfig: { Mode: 'Active' },
      Environment: { Variables: { MODELS_BUCKET: { Ref: 'ModelsBucket' }, DATA_BUCKET: { Ref: 'DataBucket' } } },
    });
  });

  it.each(FUNCTIONS.filter((id) => !WITHOUT_LAYERS.includes(id)))('gives %s one CPU and both layers', (id) => {
    const layers = [{ Ref: 'OnnxruntimeLambdaLayer' }, { Ref: 'SharpLambdaLayer' }];
    expect(properties(id)).toMatchObject({ MemorySize: 1769, Layers: layers });
  });

  it.each(WITHOUT_LAYERS)('starts %s without a layer', (id) => {
    expect(properties(id).Layers ?? []).toEqual([]);
  });

  it('lets only signed requests in, and not too many of them', () => {
    const routes = ofType('AWS::ApiGatewayV2::Route');
    expect(routes.map((route) => route.Properties.AuthorizationType)).toEqual(['AWS_IAM']);
    expect(properties('HttpApiStage').DefaultRouteSettings.ThrottlingRateLimit).toBeGreaterThan(0);
  });

  it.each(['ModelsBucket', 'DataBucket'])('keeps %s private, encrypted, tidy and behind TLS', (id) => {
    expect(properties(id)).toMatchObject({
      BucketEncryption: { ServerSideEncryptionConfiguration: [{}] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
      LifecycleConfiguration: {
        Rules: expect.arrayContaining([expect.objectContaining({ AbortIncompleteMultipartUpload: expect.anything() })]),
      },
    });
    const [statement] = properties(`${id}Policy`).PolicyDocument.Statement;
    expect(statement).toMatchObject({
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:*',
      Resource: [{ 'Fn::GetAtt': [id, 'Arn'] }, { 'Fn::Sub': `\${${id}.Arn}/*` }],
      Condition: { Bool: { 'aws:SecureTransport': 'false' } },
    });
  });

  it('deletes captured predictions, and feedback on them', () => {
    expect(properties('DataBucket').LifecycleConfiguration.Rules).toEqual(
      expect.arrayContaining(
        ['captures/', 'labels/', 'feedback/'].map((Prefix) =>
          expect.objectContaining({ Prefix, ExpirationInDays: 30, Status: 'Enabled' }),
        ),
      ),
    );
  });

  it('keeps superseded objects of the models bucket', () => {
    expect(properties('ModelsBucket').VersioningConfiguration).toEqual({ Status: 'Enabled' });
  });

  it('brings uploads, and nothing else, to their function, and what fails to the dead letters', () => {
    const [notification] = properties('DataBucket').NotificationConfiguration.QueueConfigurations;
    expect(notification.Filter.S3Key.Rules).toEqual([{ Name: 'prefix', Value: 'uploads/' }]);
    expect(properties('OnDashuploadEventSourceMappingSQSUploadQueue')).toMatchObject({
      FunctionResponseTypes: ['ReportBatchItemFailures'],
      ScalingConfig: { MaximumConcurrency: 5 },
    });
    const { VisibilityTimeout, RedrivePolicy } = properties('UploadQueue');
    expect(VisibilityTimeout).toBeGreaterThanOrEqual(6 * properties('OnDashuploadLambdaFunction').Timeout);
    expect(RedrivePolicy.deadLetterTargetArn).toEqual({ 'Fn::GetAtt': ['UploadDeadLetterQueue', 'Arn'] });
  });

  it.each([
    ['Job', 'jobs/requests/', 1],
    ['Webhook', 'jobs/events/', 10],
  ])('brings what S3 announces to %s, and what is not understood to the dead letters', (name, prefix, batchSize) => {
    const { QueueConfigurations } = properties('DataBucket').NotificationConfiguration;
    const queue = { 'Fn::GetAtt': [`${name}Queue`, 'Arn'] };
    const [notification] = QueueConfigurations.filter(({ Queue }: { Queue: object }) =>
      textsIn(Queue).includes(`${name}Queue`),
    );
    expect(notification).toMatchObject({
      Queue: queue,
      Filter: { S3Key: { Rules: [{ Name: 'prefix', Value: prefix }] } },
    });
    expect(properties(`${name}EventSourceMappingSQS${name}Queue`)).toMatchObject({
      ...{ BatchSize: batchSize, FunctionResponseTypes: ['ReportBatchItemFailures'] },
      ScalingConfig: { MaximumConcurrency: 2 },
    });
    const { VisibilityTimeout, RedrivePolicy } = properties(`${name}Queue`);
    expect(VisibilityTimeout).toBeGreaterThanOrEqual(6 * properties(`${name}LambdaFunction`).Timeout);
    expect(RedrivePolicy.deadLetterTargetArn).toEqual({ 'Fn::GetAtt': [`${name}DeadLetterQueue`, 'Arn'] });
    expect(RedrivePolicy.maxReceiveCount).toBeGreaterThan(Math.max(MOST_ATTEMPTS, PAUSES_SECONDS.length + 1));
    expect(resource(template, 'DataBucket').DependsOn).toContain(`${name}QueuePolicy`);
  });

  it('hands the chunks of a run to their function by a state machine that is valid', () => {
    const { Definition, DefinitionSubstitutions, RoleArn } = properties('BulkStateMachine');
    expect(validateStates(Definition)).toMatchObject({ isValid: true, errors: [] });
    const { Chunks, ...others } = Definition.States;
    expect(others).toEqual({});
    expect(Chunks).toMatchObject({
      Type: 'Map',
      MaxConcurrencyPath: '$.maxConcurrency',
      ToleratedFailurePercentage: 100,
    });
    expect(Chunks.ItemProcessor.ProcessorConfig.Mode).toBe('DISTRIBUTED');
    const { Retry } = Chunks.ItemProcessor.States.Answer;
    expect(Retry).toMatchObject([
      { ErrorEquals: ['Lambda.TooManyRequestsException'], MaxAttempts: 10_000 },
      { ErrorEquals: ['States.ALL'], MaxAttempts: CHUNK_ATTEMPTS - 1 },
    ]);
    expect(Chunks.ItemProcessor.States.Answer.Parameters).toEqual({
      FunctionName: `\${BulkFunction}`,
      Payload: { 'key.$': '$.key', 'child.$': '$$.Execution.Id' }, // the same in each attempt
    });
    expect(DefinitionSubstitutions).toEqual({ BulkFunction: { 'Fn::GetAtt': ['BulkLambdaFunction', 'Arn'] } });
    expect(RoleArn).toEqual({ 'Fn::GetAtt': ['BulkStatesRole', 'Arn'] });
    expect(template.Outputs.BulkStateMachine).toMatchObject({ Value: { Ref: 'BulkStateMachine' } });
    expect(validateStates({ ...Definition, StartAt: 'Nowhere' }).isValid).toBe(false);
  });

  it('gives jobs the longest time, and their callers the settings of the stage', () => {
    expect(properties('JobLambdaFunction').Timeout).toBe(900);
    expect(resource(open, 'JobLambdaFunction').Properties.MemorySize).toBe(3008);
    const consumersOf = (stage: Template, id: string): number =>
      Number(resource(stage, id).Properties.ScalingConfig.MaximumConcurrency);
    expect(consumersOf(open, 'JobEventSourceMappingSQSJobQueue')).toBe(7);
    expect(consumersOf(locked, 'OnDashuploadEventSourceMappingSQSUploadQueue')).toBe(3);
    expect(resource(locked, 'BulkLambdaFunction').Properties.ReservedConcurrentExecutions).toBe(20);
    expectScaling(locked);
    expect(resource(open, 'InferLambdaFunction').Properties.Environment.Variables).toMatchObject({
      ...{ JOB_BODY_BYTES: '1000000', JOB_MODELS: 'whisper,nllb', WEBHOOK_HOSTS: 'ci.internal:8080' },
    });
    const { Variables } = resource(open, 'WebhookLambdaFunction').Properties.Environment;
    expect(Variables.WEBHOOK_HOSTS).toBe('ci.internal:8080');
  });

  it('scales nothing by default, and ends with a message for a schedule that is none', async () => {
    for (const type of ['ScalableTarget', 'ScalingPolicy'])
      expect(ofType(`AWS::ApplicationAutoScaling::${type}`)).toEqual([]);
    await expect(packageStage('unknown', { provisionedSchedule: 'someday 8-18: 5' })).rejects.toThrow(
      /the parameter provisionedSchedule has "someday 8-18: 5": "someday" is no day/,
    );
  });

  it('makes a function of a fleet beside infer, with routes, a role, a log and alarms of its own', async () => {
    const stage = both;
    const [infer, big] = ['InferLambdaFunction', 'BigLambdaFunction'].map((id) => resource(stage, id).Properties);
    expect([infer, big].map(({ Environment }) => Environment.Variables.MODELS)).toEqual(['iris', 'whisper']);
    expect(big).toMatchObject({
      ...{ FunctionName: 'onnx-serverless-dev-big', MemorySize: 10_240, EphemeralStorage: { Size: 4096 } },
      ...{ ReservedConcurrentExecutions: 3, Handler: infer.Handler, Layers: infer.Layers },
      Role: { 'Fn::GetAtt': ['BigRole', 'Arn'] },
    });
    expect(big.Environment.Variables).toMatchObject({ MODELS_BUCKET: infer.Environment.Variables.MODELS_BUCKET });
    expect(referencesIn(resource(stage, 'BigRole'))).not.toContain('InferLogGroup');
    const known = { ...stage.Resources, ...stage.Parameters };
    expect(referencesIn(stage.Resources).filter((id) => !(id in known))).toEqual([]);
    const routes = ofType('AWS::ApiGatewayV2::Route', stage).map(({ Properties }) => Properties);
    const leadingTo = routes.filter(({ Target }) => referencesIn(Target).includes('HttpApiIntegrationBig'));
    expect(leadingTo.map(({ RouteKey }) => RouteKey)).toEqual(
      expect.arrayContaining([
        'ANY /models/whisper',
        'ANY /models/whisper/{proxy+}',
        'ANY /v2/models/whisper/{proxy+}',
      ]),
    );
    for (const { AuthorizationType } of leadingTo) expect(AuthorizationType).toBe('CUSTOM');
    const alarms = ofType('AWS::CloudWatch::Alarm', stage).filter((alarm) =>
      referencesIn(alarm).includes('BigLambdaFunction'),
    );
    expect(alarms.map(({ Properties }) => Properties.MetricName).sort()).toEqual(['Duration', 'Errors', 'Throttles']);
    expect(stage.Outputs.Fleet).toMatchObject({ Value: '{"whisper":"big"}' });
    for (const name of ['Stream', 'OnDashupload', 'Job', 'Bulk'])
      expect(resource(stage, `${name}LambdaFunction`).Properties).toMatchObject({
        ...{ MemorySize: 10_240, EphemeralStorage: { Size: 4096 } },
      });
    expect(template.Outputs).not.toHaveProperty('Fleet');
  });

  it('tells on-upload the attempts of its queue, and lets it hide messages', () => {
    const { UPLOAD_ATTEMPTS } = properties('OnDashuploadLambdaFunction').Environment.Variables;
    expect(Number(UPLOAD_ATTEMPTS)).toBe(Number(properties('UploadQueue').RedrivePolicy.maxReceiveCount));
    const statements = properties('OnUploadRole').Policies[0].PolicyDocument.Statement;
    const consume = statements.find(({ Sid }: { Sid: string }) => Sid === 'ConsumeUploads');
    expect(consume.Action).toContain('sqs:ChangeMessageVisibility');
    expect(template.Outputs.UploadDeadLetterQueue).toMatchObject({ Value: { Ref: 'UploadDeadLetterQueue' } });
  });

  it('gives each function a role of its own that names its actions and resources', () => {
    const roles = FUNCTIONS.map(roleOf);
    expect(new Set(roles).size).toBe(roles.length);
    // `*`, and an ARN with a `*` in the place of the account or of the whole name.
    const isWide = (text: string): boolean => /(^|:)\*(:|\/|$)/.test(text);
    for (const role of roles)
      for (const { Sid, Action, Resource } of statementsOf(role)) {
        const actions = textsIn(Action).filter((text) => text.includes('*'));
        const resources = Sid === 'Trace' ? [] : textsIn(Resource).filter(isWide);
        expect({ role, Sid, actions, resources }).toEqual({ role, Sid, actions: [], resources: [] });
      }
  });

  it('has each resource that a role names', () => {
    for (const role of FUNCTIONS.map(roleOf)) {
      const missing = referencesIn(properties(role)).filter((id) => !(id in template.Resources));
      expect({ role, missing }).toEqual({ role, missing: [] });
    }
  });

  it('lets each function write into its own log', () => {
    for (const [index, id] of FUNCTIONS.entries()) {
      const log = statementsOf(roleOf(id)).find(({ Sid }) => Sid === 'Log');
      expect({ id, resource: log?.Resource }).toEqual({ id, resource: { 'Fn::GetAtt': [LOG_GROUPS[index], 'Arn'] } });
    }
  });

  it('writes nothing but uploads, answers, jobs, runs, captures, counts and, as the monitor alone, routings', () => {
    const statements = FUNCTIONS.map(roleOf).flatMap(statementsOf);
    const writes = statements.filter(({ Action }) => textsIn(Action).some((action) => /^s3:(Put|Delete)/.test(action)));
    const places = writes.flatMap(({ Resource }) => textsIn(Resource));
    expect([...new Set(places)].sort()).toEqual([
      ...[
        ...['bulk', 'captures', 'feedback', 'figures', 'jobs', 'jobs/deliveries', 'labels', 'monitoring'],
        ...['inputs', 'outputs', 'quotas', 'results', 'rollouts', 'spending', 'uploads'],
      ]
        .sort()
        .map((folder) => `\${DataBucket.Arn}/${folder}/*`),
      `\${ModelsBucket.Arn}/models/*/routing.json`,
    ]);
  });

  it('allows what this list has, and nothing else', () => {
    expect(everyStatement(template)).toEqual(
      [
        ...['Authorise', 'Docs', 'Infer', 'Monitor', 'OnUpload', 'Job', 'Webhook', 'Stream', 'Bulk'].flatMap((role) => [
          `${role}Role | sts:AssumeRole | lambda.amazonaws.com`,
          `${role}Role | logs:CreateLogStream logs:PutLogEvents | ${role.replace('Upload', 'Dashupload')}LogGroup/Arn`,
          `${role}Role | xray:PutTelemetryRecords xray:PutTraceSegments | *`,
        ]),
        'AuthoriseRole | s3:ListBucket | ModelsBucket/Arn',
        'DocsRole | s3:ListBucket | ModelsBucket/Arn',
        `DocsRole | s3:GetObject | \${ModelsBucket.Arn}/models/*`,
        `AuthoriseRole | s3:GetObject | \${ModelsBucket.Arn}/access/keys.json`,
        `StreamRole | s3:GetObject | \${ModelsBucket.Arn}/access/keys.json`,
        ...['Infer', 'Stream', 'OnUpload', 'Job', 'Bulk'].flatMap((role) => [
          `${role}Role | s3:ListBucket | ModelsBucket/Arn/DataBucket/Arn`,
          `${role}Role | s3:GetObject | \${ModelsBucket.Arn}/models/*`,
          `${role}Role | s3:GetObject | \${DataBucket.Arn}/uploads/*`,
          `${role}Role | s3:PutObject | \${DataBucket.Arn}/captures/*`,
          `${role}Role | s3:PutObject | \${DataBucket.Arn}/figures/*/\${DataBucket.Arn}/rollouts/*`,
        ]),
        'MonitorRole | s3:ListBucket | ModelsBucket/Arn/DataBucket/Arn',
        `MonitorRole | s3:GetObject | \${ModelsBucket.Arn}/models/*`,
        `MonitorRole | s3:PutObject | \${ModelsBucket.Arn}/models/*/routing.json`,
        `MonitorRole | s3:DeleteObject s3:GetObject | \${DataBucket.Arn}/rollouts/*`,
        `InferRole | s3:PutObject | \${DataBucket.Arn}/labels/*`,
        `StreamRole | s3:PutObject | \${DataBucket.Arn}/labels/*`,
        `MonitorRole | s3:GetObject | \${DataBucket.Arn}/captures/*`,
        `MonitorRole | s3:GetObject s3:PutObject | ${['feedback', 'labels', 'monitoring'].map((folder) => `\${DataBucket.Arn}/${folder}/*`).join('/')}`,
        `MonitorRole | s3:GetObject | \${DataBucket.Arn}/figures/*`,
        `MonitorRole | s3:GetObject s3:PutObject | \${DataBucket.Arn}/spending/*`,
        'MonitorRole | sns:Publish | AlarmTopic',
        `OnUploadRole | s3:GetObject s3:PutObject | \${DataBucket.Arn}/results/*`,
        'OnUploadRole | sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage | UploadQueue/Arn',
        ...['Infer', 'Job'].map((role) => `${role}Role | s3:GetObject s3:PutObject | \${DataBucket.Arn}/jobs/*`),
        ...['Infer', 'Stream', 'Job'].map((role) => `${role}Role | s3:GetObject | \${DataBucket.Arn}/inputs/*`),
        ...['Infer', 'Stream'].flatMap((role) => [
          `${role}Role | s3:PutObject | \${DataBucket.Arn}/inputs/*/\${DataBucket.Arn}/uploads/*`,
          `${role}Role | s3:GetObject | \${DataBucket.Arn}/results/*`,
          `${role}Role | s3:GetObject s3:PutObject | \${DataBucket.Arn}/outputs/*`,
          `${role}Role | s3:GetObject s3:PutObject | \${DataBucket.Arn}/quotas/*`,
          `${role}Role | s3:GetObject | \${DataBucket.Arn}/spending/*`,
        ]),
        `BulkRole | s3:GetObject s3:PutObject | \${DataBucket.Arn}/bulk/*`,
        'BulkStatesRole | sts:AssumeRole | states.amazonaws.com',
        'BulkStatesRole | s3:ListBucket | DataBucket/Arn',
        `BulkStatesRole | s3:AbortMultipartUpload s3:GetObject s3:ListMultipartUploadParts s3:PutObject | \${DataBucket.Arn}/bulk/*`,
        'BulkStatesRole | lambda:InvokeFunction | BulkLambdaFunction/Arn',
        `BulkStatesRole | states:StartExecution | ${STATES}:stateMachine:onnx-serverless-dev-bulk`,
        `BulkStatesRole | states:DescribeExecution states:StopExecution | ${STATES}:execution:onnx-serverless-dev-bulk/*`,
        'WebhookRole | s3:ListBucket | ModelsBucket/Arn/DataBucket/Arn',
        `WebhookRole | s3:GetObject | \${ModelsBucket.Arn}/access/webhook-secrets.json`,
        `WebhookRole | s3:GetObject | \${DataBucket.Arn}/jobs/events/*`,
        `WebhookRole | s3:GetObject s3:PutObject | \${DataBucket.Arn}/jobs/deliveries/*`,
        ...['Job', 'Webhook'].map(
          (name) =>
            `${name}Role | sqs:ChangeMessageVisibility sqs:DeleteMessage sqs:GetQueueAttributes sqs:ReceiveMessage | ${name}Queue/Arn`,
        ),
        ...['Upload', 'Job', 'Webhook'].map((name) => `${name}QueuePolicy | sqs:SendMessage | ${name}Queue/Arn`),
      ].sort(),
    );
  });

  it('allows more with the parameters of a network and a key alone, and then to use these', () => {
    const usual = everyStatement(template);
    const more = (stage: Template): string[] => everyStatement(stage).filter((statement) => !usual.includes(statement));
    expect([locked, tokens].map(more)).toEqual([[], []]);
    const bulk = `${STATES}:execution:vision-dev-bulk/*`;
    expect(more(open)).toEqual(
      [
        ...FUNCTIONS.map(roleOf).flatMap((role) => [
          `${role} | ${NETWORK_ACTIONS} | *`,
          `${role} | kms:Decrypt kms:GenerateDataKey | ${KEY}`,
        ]),
        `BulkStatesRole | kms:Decrypt kms:GenerateDataKey | ${KEY}`,
        `BulkStatesRole | states:DescribeExecution states:StopExecution | ${bulk}`,
        `BulkStatesRole | states:StartExecution | ${STATES}:stateMachine:vision-dev-bulk`,
      ].sort(),
    );
  });

  it('lets nobody invoke a function but API Gateway, the schedules and, where a stage is not signed, the callers of its URL', () => {
    const callers = (stage: Template): string[] => {
      const permissions = ofType('AWS::Lambda::Permission', stage).map(({ Properties }) => {
        const { FunctionName, Principal, Action, SourceArn } = Properties;
        const [id] = referencesIn(FunctionName);
        const source = referencesIn(SourceArn).join(' ').replace(/\d$/, '');
        return [id?.replace('LambdaFunction', ''), Action, Principal, source].join(' | ');
      });
      return [...new Set(permissions)].sort();
    };
    const invoke = 'lambda:InvokeFunction';
    const signed = [
      `Infer | ${invoke} | apigateway.amazonaws.com | HttpApi`,
      `Monitor | ${invoke} | events.amazonaws.com | MonitorEventsRuleSchedule`,
    ];
    const everybody = [`Stream | ${invoke} | * | `, `Stream | ${invoke}Url | * | `];
    const authorised = ['Authorise', 'Docs'].map((id) => `${id} | ${invoke} | apigateway.amazonaws.com | HttpApi`);
    expect(callers(template)).toEqual(signed);
    expect(callers(open)).toEqual([...signed, ...everybody]);
    expect(callers(locked)).toEqual([...authorised, ...signed, ...everybody]);
  });

  it('keeps logs for a month', () => {
    for (const id of LOG_GROUPS) expect(properties(id).RetentionInDays).toBe(30);
    expect(ofType('AWS::Logs::LogGroup')).toHaveLength(LOG_GROUPS.length);
  });

  it('raises an alarm on dead letters, waiting uploads and jobs, server errors, crashes, throttles, slow requests, canaries and spending', () => {
    const alarms = ofType('AWS::CloudWatch::Alarm').map((alarm) => alarm.Properties);
    const watched = alarms.map(({ MetricName, Metrics = [] }) =>
      MetricName
        ? [MetricName]
        : Metrics.flatMap(({ MetricStat }: typeof Metrics) => MetricStat?.Metric.MetricName ?? []),
    );
    expect(watched).toEqual([
      ['ApproximateNumberOfMessagesVisible'],
      ['ApproximateAgeOfOldestMessage'],
      ['ApproximateNumberOfMessagesVisible'],
      ['ApproximateAgeOfOldestMessage'],
      ['ApproximateNumberOfMessagesVisible'],
      ['5xx', 'Count'],
      FUNCTIONS.map(() => 'Errors'),
      ['Throttles'],
      ['Duration'],
      ['CanaryRollbacks'],
      ['DriftedModels'],
      ['LeastAccuracy'],
      ['BudgetSpent'],
      ['SilentModels'],
    ]);
    for (const { AlarmActions } of alarms) expect(AlarmActions).toEqual([{ Ref: 'AlarmTopic' }]);
  });

  it('raises the alarm on server errors by their rate, and on none below five of them', () => {
    const { Metrics, Threshold } = properties('ServerErrorAlarm');
    expect(Metrics[0].Expression).toBe('IF(failed >= 5, 100 * failed / requests, 0)');
    expect(Threshold).toBe(5);
    expect(properties('DurationAlarm')).toMatchObject({ EvaluateLowSampleCountPercentile: 'ignore' });
  });

  it('raises an alarm on errors of every function', () => {
    const [sum, ...summands] = properties('ErrorAlarm').Metrics;
    const watched = summands.map(({ MetricStat }: typeof sum) => MetricStat.Metric.Dimensions[0].Value.Ref);
    expect(new Set(watched)).toEqual(new Set(FUNCTIONS));
    expect(sum.Expression).toBe(summands.map(({ Id }: typeof sum) => `FILL(${Id}, 0)`).join(' + '));
  });

  it('watches and draws metrics that AWS has, or that the code emits with these dimensions and this unit', () => {
    const alarms = ofType('AWS::CloudWatch::Alarm').flatMap(({ Properties: { Metrics, ...one } }) =>
      Metrics ? Metrics.flatMap(({ MetricStat }: typeof Metrics) => MetricStat?.Metric ?? []) : [one],
    );
    const watched = alarms.map(({ Namespace, MetricName, Dimensions, Unit }) => {
      const names = Dimensions.map(({ Name }: { Name: string }) => Name);
      return { namespace: Namespace, name: MetricName, dimensions: names, unit: Unit };
    });
    const { widgets } = JSON.parse(properties('Dashboard').DashboardBody['Fn::Sub']);
    expect(widgets.length).toBeGreaterThan(5);
    const drawn = widgets.flatMap(({ properties: { metrics } }: (typeof widgets)[0]) => metrics.map(drawnMetric));

    for (const { namespace, name, dimensions, unit, statistic } of [...watched, ...drawn]) {
      if (namespace.startsWith('AWS/')) {
        expect({ namespace, name, is: AWS_METRICS[namespace]?.includes(name) }).toEqual({ namespace, name, is: true });
        continue;
      }
      expect(Object.keys(METRICS)).toContain(name);
      const metric: Metric = METRICS[name as MetricName];
      const { unit: emitted, of = 'version', statistic: usual } = metric;
      expect({ name, namespace, dimensions }).toEqual({
        name,
        namespace: 'onnx-serverless',
        dimensions: DIMENSIONS[of],
      });
      expect([undefined, emitted]).toContain(unit);
      // A percentile needs the single values, which the log has of what is asked for as an average.
      if (statistic !== undefined) expect(usual === 'Average' ? ['Average', 'p95'] : [usual]).toContain(statistic);
    }
  });

  it('subscribes an address, makes a dashboard, and watches accuracy, by their parameters', () => {
    const defaults = [template, open].map(({ Parameters: { AlarmEmail, HasDashboard, AccuracyBelow } }) =>
      [AlarmEmail, HasDashboard, AccuracyBelow].map((parameter) => String(parameter?.Default)),
    );
    expect(defaults).toEqual([
      ['', 'on', '0'],
      ['me@example.org', 'off', '0.9'],
    ]);
    expect(template.Conditions).toEqual({
      HasDomain: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'Domain' }, ''] }] },
      SubscribesEmail: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'AlarmEmail' }, ''] }] },
      LimitsSpending: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'MaxMonthlyDollars' }, '0'] }] },
      WatchesAccuracy: { 'Fn::Not': [{ 'Fn::Equals': [{ Ref: 'AccuracyBelow' }, '0'] }] },
      MakesDashboard: { 'Fn::Equals': [{ Ref: 'HasDashboard' }, 'on'] },
    });
    expect(resource(template, 'AlarmSubscription')).toMatchObject({
      ...{ Condition: 'SubscribesEmail', Properties: { Endpoint: { Ref: 'AlarmEmail' }, Protocol: 'email' } },
    });
    expect(resource(template, 'Dashboard')).toMatchObject({ Condition: 'MakesDashboard' });
    expect(resource(template, 'AccuracyAlarm')).toMatchObject({
      ...{ Condition: 'WatchesAccuracy', Properties: { Threshold: { Ref: 'AccuracyBelow' } } },
    });
  });

  it('limits the spending of a month, with an alarm before, by a parameter', () => {
    for (const id of ['InferLambdaFunction', 'StreamLambdaFunction', 'MonitorLambdaFunction']) {
      const limits = [template, locked].map((stage) => resource(stage, id).Properties.Environment.Variables);
      expect(limits.map(({ MAX_MONTHLY_DOLLARS: limit }) => String(limit))).toEqual(['0', '25.5']);
    }
    const limits = [template, locked].map(({ Parameters }) => String(Parameters.MaxMonthlyDollars?.Default));
    expect(limits).toEqual(['0', '25.5']);
    expect(template.Parameters.MaxMonthlyDollars).toMatchObject({ Type: 'Number', MinValue: 0 });
    expect(resource(template, 'SpendingAlarm')).toMatchObject({
      Condition: 'LimitsSpending',
      Properties: { Threshold: 80, Statistic: 'Maximum', ComparisonOperator: 'GreaterThanOrEqualToThreshold' },
    });
    const schedules = ofType('AWS::Events::Rule').flatMap(({ Properties: { ScheduleExpression, Targets } }) =>
      Targets.map(({ Input }: Resource['Properties']) => `${ScheduleExpression} ${Input}`),
    );
    expect(schedules).toContain('rate(5 minutes) {"jobs":["spending"]}');
  });

  it('watches as many metrics as the README gives the price of', async () => {
    const alarms = ofType('AWS::CloudWatch::Alarm').map((alarm) => alarm.Properties);
    const count = alarms.reduce(
      (sum, { Metrics }) => sum + (Metrics?.filter(({ MetricStat }: typeof Metrics) => MetricStat).length ?? 1),
      0,
    );
    expect(await readFile('README.md', 'utf8')).toContain(`each of the ${count} metrics that the alarms watch`);
  });

  it('outputs what the command line reads', () => {
    expect(Object.keys(template.Outputs)).toEqual(expect.arrayContaining(['Endpoint', 'ModelsBucket', 'DataBucket']));
  });
});

it('gives Athena a table with a column for each field of a record, and partitions that need no upkeep', () => {
  const { TableInput } = properties('CaptureTable');
  const columns: { Name: string; Type: string }[] = TableInput.StorageDescriptor.Columns;
  expect(Object.fromEntries(columns.map(({ Name, Type }) => [Name, Type]))).toEqual(CAPTURE_COLUMNS);
  expect(TableInput.Parameters).toMatchObject({
    'projection.model.type': 'injected',
    'storage.location.template': { 'Fn::Sub': expect.stringMatching(/^s3:.*model=\$\{!model\}\/day=\$\{!day\}\/$/) },
  });
  expect(TableInput.PartitionKeys).toMatchObject([{ Name: 'model' }, { Name: 'day' }]);
});
