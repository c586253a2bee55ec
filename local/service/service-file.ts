import * as v from 'valibot';
import { show } from '../../src/core/show.ts';

/** The parts of a serverless.yml that are read here, after its variables are resolved. */

/** Parameters on the command line are text. */
export const wholeNumber = (least: number, most: number) =>
  v.pipe(
    v.unknown(),
    v.check(
      (value) => /^\d+$/.test(String(value)) && Number(value) >= least && Number(value) <= most,
      ({ input }) => `${show(input)}, expected a whole number from ${least} to ${most}`,
    ),
    v.transform(Number),
  );

const text = (expected: string) => v.string(({ input }) => `${show(input)}, expected ${expected}`);

/** Variables of null are left out, as osls does it. */
const environment = v.pipe(
  v.record(
    v.string(),
    v.union(
      [v.string(), v.number(), v.boolean(), v.null()],
      ({ input }) => `${show(input)}, expected text or a reference to a bucket or a queue`,
    ),
  ),
  v.transform((variables) =>
    Object.fromEntries(
      Object.entries(variables).flatMap(([name, value]) => (value === null ? [] : [[name, String(value)]])),
    ),
  ),
);

const event = v.union(
  [
    v.pipe(
      v.string(),
      v.transform((kind) => ({ kind, value: undefined })),
    ),
    v.pipe(
      v.record(v.string(), v.unknown()),
      v.transform((fields) => Object.entries(fields)),
      v.check((entries) => entries.length === 1),
      v.transform(([entry]) => ({ kind: entry?.[0] ?? '', value: entry?.[1] })),
    ),
  ],
  ({ input }) => `${show(input)}, expected one event, such as { httpApi: "GET /models" }`,
);

/** `$request.header.<name>` alone: each is a header without which a request is refused. */
const identitySource = v.pipe(
  text('$request.header.<name>'),
  v.regex(/^\$request\.header\.[\w-]+$/, ({ input }) => `${show(input)}, expected $request.header.<name>`),
  v.transform((source) => source.slice('$request.header.'.length).toLowerCase()),
);
const authorizer = v.variant('type', [
  v.object({ type: v.literal('jwt') }),
  v.object({
    type: v.literal('request'),
    functionName: text('the name of a function'),
    enableSimpleResponses: v.literal(true, 'expected true, the only form here'),
    identitySource: v.array(identitySource),
  }),
]);

const memorySize = v.nullish(wholeNumber(128, 10_240));
const timeout = v.nullish(wholeNumber(1, 900));

const serviceFunction = v.object({
  handler: v.pipe(
    text('<file>.<export>'),
    v.regex(/^\S+\.[\w$]+$/, ({ input }) => `${show(input)}, expected <file>.<export>`),
  ),
  memorySize,
  timeout,
  reservedConcurrency: v.nullish(wholeNumber(0, 1_000_000)),
  environment: v.nullish(environment, {}),
  events: v.nullish(v.array(event), []),
  url: v.nullish(v.unknown()),
});

/** A text, or `{ Fn::Join: [",", […]] }`, of which conditions and `{ Ref: AWS::NoValue }` are left out: none is fulfilled here. */
const joined = v.union([
  v.string(),
  v.pipe(
    v.object({ 'Fn::Join': v.tuple([v.literal(','), v.array(v.unknown())]) }),
    v.transform(({ 'Fn::Join': [, parts] }) =>
      parts.filter((part) => typeof part === 'string' && part !== 'AWS::NoValue').join(','),
    ),
  ),
]);
const list = v.union(
  [
    v.array(v.string()),
    v.pipe(
      v.object({ 'Fn::Split': v.tuple([v.literal(','), joined]) }),
      v.transform(({ 'Fn::Split': [, names] }) => names.split(',')),
    ),
  ],
  ({ input }) => `${show(input)}, expected a list, or { Fn::Split: [",", <text>] }`,
);
/** `{ Ref: AWS::NoValue }` leaves the setting out, and has become a name by now. */
const cors = v.union([
  v.pipe(
    v.string(),
    v.transform(() => undefined),
  ),
  v.object({
    AllowOrigins: list,
    AllowMethods: v.optional(list, []),
    AllowHeaders: v.optional(list, []),
    ExposeHeaders: v.optional(list, []),
    MaxAge: v.optional(wholeNumber(0, 86_400), 0),
  }),
]);
/** S3's names for the same, for a bucket with a single rule. */
const bucketCors = v.union([
  v.pipe(
    v.string(),
    v.transform(() => undefined),
  ),
  v.object({
    CorsRules: v.strictTuple([
      v.object({
        AllowedOrigins: list,
        AllowedMethods: v.optional(list, []),
        AllowedHeaders: v.optional(list, []),
        ExposedHeaders: v.optional(list, []),
        MaxAge: v.optional(wholeNumber(0, 86_400), 0),
      }),
    ]),
  }),
]);
const extension = v.object({
  Properties: v.optional(v.object({ CorsConfiguration: v.optional(cors), Cors: v.optional(cors) }), {}),
});

const redrivePolicy = v.object({ deadLetterTargetArn: text('a queue'), maxReceiveCount: wholeNumber(1, 1_000) });
const notification = v.object({
  Queue: text('a queue'),
  Filter: v.optional(
    v.object({ S3Key: v.object({ Rules: v.array(v.object({ Name: v.string(), Value: v.string() })) }) }),
  ),
});
const resource = v.object({
  Type: text('a type of resource'),
  Properties: v.nullish(
    v.object({
      VisibilityTimeout: v.nullish(wholeNumber(0, 43_200)),
      RedrivePolicy: v.nullish(redrivePolicy),
      CorsConfiguration: v.optional(bucketCors),
      NotificationConfiguration: v.nullish(v.object({ QueueConfigurations: v.nullish(v.array(notification), []) })),
    }),
    {},
  ),
});

export const serviceFileSchema = v.object({
  provider: v.object({
    memorySize,
    timeout,
    environment: v.nullish(environment, {}),
    httpApi: v.nullish(
      v.object({
        payload: v.nullish(v.literal('2.0', 'expected 2.0, the only format here')),
        authorizers: v.nullish(v.record(v.string(), authorizer), {}),
      }),
    ),
  }),
  functions: v.record(v.string(), serviceFunction),
  resources: v.nullish(
    v.object({
      Resources: v.nullish(v.record(v.string(), resource), {}),
      extensions: v.nullish(v.record(v.string(), extension), {}),
    }),
    {},
  ),
});

export type ServiceFile = v.InferOutput<typeof serviceFileSchema>;
export type Cors = Exclude<v.InferOutput<typeof cors>, undefined>;
export type Resource = v.InferOutput<typeof resource>;
