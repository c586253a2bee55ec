import * as v from 'valibot';
import { ServingError } from '../core/errors.ts';
import { describeIssue, parseJson } from './bundle.ts';

const routingSchema = v.object({
  formatVersion: v.literal(1),
  /** The version that answers when the caller names none. */
  stable: v.pipe(v.number(), v.integer(), v.minValue(1)),
});

/** Which version of a model answers; changed only by compare-and-swap. */
export type Routing = v.InferOutput<typeof routingSchema>;

/** @throws `MODEL_INVALID` naming the field. */
export const parseRouting = (bytes: Uint8Array, origin: string): Routing => {
  const parsed = v.safeParse(routingSchema, parseJson(bytes, origin));
  if (!parsed.success) throw new ServingError('MODEL_INVALID', `${origin}: ${describeIssue(parsed.issues)}`);
  return parsed.output;
};
