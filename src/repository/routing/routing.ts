import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import { describeIssue, parseJson } from '../versions/bundle.ts';

const version = v.pipe(v.number(), v.integer(), v.minValue(1));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

/** The plan of a canary that the function `monitor` raises, promotes or ends. */
const planSchema = v.object({
  /** Time of the last step, in ISO 8601: it names the counts of the step. */
  since: v.string(),
  /** Weights of the canary, ascending. A last one of 1 makes the version stable. */
  steps: v.array(share),
  /** Time between two steps, at least. */
  holdMs: v.pipe(v.number(), v.minValue(0)),
  /** Kinds of bad events. A kind that a function does not know hinders no answer: the canary is not raised. */
  guards: v.array(v.string()),
  /** The share of answers that may differ from those of `stable`, for the guard on disagreement. */
  disagreement: v.optional(share),
  /** Requests that take longer count as slow. The monitor sets it when it knows the usual time. */
  slowMs: v.optional(v.number()),
  /** Holders of keys or tokens whose requests alone are counted; all requests when it is missing. */
  callers: v.optional(v.array(v.string())),
});

const targetsSchema = v.object({
  /** The version that answers when the caller names none. */
  stable: version,
  /** A version that answers a share, 0 to 1, of the requests in the place of `stable`. */
  canary: v.optional(v.object({ version, weight: share, plan: v.optional(planSchema) })),
  /** A version that runs on a share, 0 to 1, of the requests after they were answered, and is compared. */
  shadow: v.optional(v.object({ version, rate: share })),
  /** Versions by names, beside their numbers. */
  aliases: v.optional(v.record(v.string(), version), {}),
});

const routingSchema = v.object({
  formatVersion: v.literal(1),
  ...targetsSchema.entries,
  /** Versions that were deleted, or are being deleted: no routing can name them again. */
  deleted: v.optional(v.array(version), []),
  /** Tells that the model has settings for the capture of its predictions: functions look for no others. */
  captured: v.optional(v.boolean()),
  /** Newest last. */
  history: v.optional(
    v.array(
      v.object({
        at: v.string(),
        by: v.string(),
        action: v.string(),
        from: v.nullable(targetsSchema),
        to: targetsSchema,
        note: v.string(),
      }),
    ),
    [],
  ),
});

/** The versions of a model to which requests go. */
export type Targets = v.InferOutput<typeof targetsSchema>;

/** The document `routing.json`: targets, deleted versions and history. It is changed only by compare-and-swap. */
export type Routing = v.InferOutput<typeof routingSchema>;

export type CanaryPlan = v.InferOutput<typeof planSchema>;

export type RoutingChange = Routing['history'][number];

/** @throws `MODEL_INVALID` naming the field. */
export const parseRouting = (bytes: Uint8Array, origin: string): Routing => {
  const parsed = v.safeParse(routingSchema, parseJson(bytes, origin));
  if (!parsed.success) throw new ServingError('MODEL_INVALID', `${origin}: ${describeIssue(parsed.issues)}`);
  return parsed.output;
};

/** The targets of a routing alone, without its history. */
export const targetsOf = ({ stable, canary, shadow, aliases }: Targets): Targets => ({
  stable,
  ...(canary && { canary }),
  ...(shadow && { shadow }),
  aliases,
});

/** Every version to which requests go. */
export const routedVersions = ({ stable, canary, shadow, aliases }: Targets): ReadonlySet<number> =>
  new Set([
    stable,
    ...(canary ? [canary.version] : []),
    ...(shadow ? [shadow.version] : []),
    ...Object.values(aliases),
  ]);
