import * as v from 'valibot';
import { ServingError } from '../../core/errors.ts';
import { describeIssue, parseJson } from '../versions/bundle.ts';

const version = v.pipe(v.number(), v.integer(), v.minValue(1));
const share = v.pipe(v.number(), v.minValue(0), v.maxValue(1));

const targetsSchema = v.object({
  /** Answers when the caller names no version. */
  stable: version,
  /** Answers this share, 0 to 1, of what `stable` would. */
  canary: v.optional(v.object({ version, weight: share })),
  /** Is run on this share, 0 to 1, of the requests after they were answered, and compared. */
  shadow: v.optional(v.object({ version, rate: share })),
  /** Names for versions, beside their numbers. */
  aliases: v.optional(v.record(v.string(), version), {}),
});

const routingSchema = v.object({
  formatVersion: v.literal(1),
  ...targetsSchema.entries,
  /** Versions that were deleted, or are being: they can never be routed to again. */
  deleted: v.optional(v.array(version), []),
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

/** The versions of a model that requests go to. */
export type Targets = v.InferOutput<typeof targetsSchema>;

/** Which versions of a model answer, and how it came to that; changed only by compare-and-swap. */
export type Routing = v.InferOutput<typeof routingSchema>;

export type RoutingChange = Routing['history'][number];

/** @throws `MODEL_INVALID` naming the field. */
export const parseRouting = (bytes: Uint8Array, origin: string): Routing => {
  const parsed = v.safeParse(routingSchema, parseJson(bytes, origin));
  if (!parsed.success) throw new ServingError('MODEL_INVALID', `${origin}: ${describeIssue(parsed.issues)}`);
  return parsed.output;
};

/** What of `routing` decides where requests go. */
export const targetsOf = ({ stable, canary, shadow, aliases }: Targets): Targets => ({
  stable,
  ...(canary && { canary }),
  ...(shadow && { shadow }),
  aliases,
});

/** Every version that some request goes to. */
export const routedVersions = ({ stable, canary, shadow, aliases }: Targets): ReadonlySet<number> =>
  new Set([
    stable,
    ...(canary ? [canary.version] : []),
    ...(shadow ? [shadow.version] : []),
    ...Object.values(aliases),
  ]);
