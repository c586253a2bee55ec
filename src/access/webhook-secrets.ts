import { randomBytes } from 'node:crypto';
import * as v from 'valibot';
import { ServingError } from '../core/errors.ts';
import { show } from '../core/show.ts';
import type { ObjectStore } from '../repository/stores/object-store.ts';
import { createAccessDocument } from './access-document.ts';

const time = v.pipe(v.string(), v.isoTimestamp());
const secretSchema = v.object({
  id: v.string(),
  holder: v.string(),
  /** `whsec_` and base64. It signs, so that it is stored as it is. */
  secret: v.string(),
  created: time,
  by: v.string(),
  revoked: v.optional(time),
});
export type WebhookSecret = v.InferOutput<typeof secretSchema>;

/** Only the function that delivers webhooks and the command line read it. */
const document = createAccessDocument({ key: 'access/webhook-secrets.json', name: 'secrets', entry: secretSchema });

const ID_BYTES = 5;
const SECRET_BYTES = 32;
/** Two: the one in use, and the one that takes its place. Both sign. */
const LIVE_SECRETS_OF_A_HOLDER = 2;
const LONGEST_HOLDER = 256;

/** The owner of the jobs of callers who are not identified. */
export const ANONYMOUS = 'anonymous';

const liveOf = (secrets: readonly WebhookSecret[], holder: string): WebhookSecret[] =>
  secrets.filter((secret) => secret.holder === holder && secret.revoked === undefined);

export const readSecrets = async (store: ObjectStore): Promise<readonly WebhookSecret[]> =>
  (await document.read(store)).entries;

/** The texts that sign the events of a holder. */
export const liveSecrets = (secrets: readonly WebhookSecret[], holder: string): string[] =>
  liveOf(secrets, holder || ANONYMOUS).map(({ secret }) => secret);

/** Makes a secret. @throws `INVALID_REQUEST`; `CONFLICT` when its holder has two live ones */
export const issueSecret = async (
  store: ObjectStore,
  { holder, by, now }: { readonly holder: string; readonly by: string; readonly now: Date },
): Promise<WebhookSecret> => {
  if (holder === '' || holder.length > LONGEST_HOLDER || /\s/.test(holder))
    throw new ServingError('INVALID_REQUEST', `holder ${show(holder)}, expected 1 to ${LONGEST_HOLDER} characters`);
  const id = randomBytes(ID_BYTES).toString('hex');
  const secret = `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`;
  const issued = { id, holder, secret, created: now.toISOString(), by };
  await document.change(store, (secrets) => {
    if (secrets.some((each) => each.id === id)) return secrets; // the answer to its write was lost
    const live = liveOf(secrets, holder);
    if (live.length < LIVE_SECRETS_OF_A_HOLDER) return [...secrets, issued];
    const ids = live.map((each) => each.id).join(' and ');
    throw new ServingError('CONFLICT', `${holder} has ${live.length} live secrets, ${ids}; revoke one first`);
  });
  return issued;
};

/** Ends a secret at once; one that was revoked before stays as it is. Resolves to its id. @throws `NOT_FOUND` */
export const revokeSecret = async (store: ObjectStore, idOrSecret: string, now: Date): Promise<string> => {
  let id = '';
  await document.change(store, (secrets) => {
    const found = secrets.find((each) => [each.id, each.secret].includes(idOrSecret));
    if (found === undefined)
      throw new ServingError(
        'NOT_FOUND',
        `there is no secret ${show(idOrSecret)}; npx onnx-serverless webhook list shows them`,
      );
    id = found.id;
    return secrets.map((each) => (each.id === id ? { ...each, revoked: each.revoked ?? now.toISOString() } : each));
  });
  return id;
};
