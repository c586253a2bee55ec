import * as v from 'valibot';
import { createAccessDocument, type Entries } from './access-document.ts';

const time = v.pipe(v.string(), v.isoTimestamp());
const limit = v.optional(v.pipe(v.number(), v.integer(), v.minValue(1)));
const keySchema = v.object({
  id: v.string(),
  holder: v.string(),
  sha256: v.pipe(v.string(), v.regex(/^[0-9a-f]{64}$/)),
  scopes: v.array(v.string()),
  perSecond: limit,
  perDay: limit,
  created: time,
  by: v.string(),
  expires: v.optional(time),
  revoked: v.optional(time),
});

/** A key without its secret. */
export type StoredKey = v.InferOutput<typeof keySchema>;

/** The keys at one time. */
export type KeyDocument = Entries<StoredKey>;

/** Only the authorizer and the command line read it. */
const document = createAccessDocument({ key: 'access/keys.json', name: 'keys', entry: keySchema });
export const { read: readKeys, change: changeKeys } = document;

/** Tells whether the key lets its holder in. */
export const isLive = ({ expires, revoked }: Pick<StoredKey, 'expires' | 'revoked'>, nowMs: number): boolean =>
  revoked === undefined && (expires === undefined || Date.parse(expires) > nowMs);

/** Keys that ended are listed for this time. The document would grow with every rotation otherwise. */
const KEPT_MS = 90 * 86_400_000;

/** The keys without those that ended long ago. */
export const withoutOld = (keys: readonly StoredKey[], nowMs: number): readonly StoredKey[] =>
  keys.filter((key) => isLive(key, nowMs - KEPT_MS) || Date.parse(key.revoked ?? '') > nowMs - KEPT_MS);
