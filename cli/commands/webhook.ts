import { issueSecret, readSecrets, revokeSecret, type WebhookSecret } from '../../src/access/webhook-secrets.ts';
import { whoami } from '../../src/authoring/whoami.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { defineCommand, type Report } from '../command.ts';
import { misuse } from '../options/misuse.ts';
import { formatDate, formatTable } from '../output/format.ts';

interface Request {
  readonly store: ObjectStore;
  /** A holder for `create`, the id of a secret, or the secret itself, for `revoke`. */
  readonly subject: string;
  readonly now: Date;
}

/** A secret without its text. */
const describe = ({ secret: _secret, ...rest }: WebhookSecret) => rest;

const create = async ({ store, subject: holder, now }: Request): Promise<Report> => {
  const issued = await issueSecret(store, { holder, by: whoami(), now });
  const text = `${issued.secret}\nSecret ${issued.id} signs the events of the jobs of ${holder}. list does not show it again.`;
  return { json: { ...describe(issued), secret: issued.secret }, text };
};

const list = async ({ store }: Request): Promise<Report> => {
  const secrets = await readSecrets(store);
  const rows = secrets.map(({ id, holder, created, revoked }) => [
    ...[id, holder, formatDate(created)],
    revoked === undefined ? 'live' : `revoked ${formatDate(revoked)}`,
  ]);
  return {
    json: { secrets: secrets.map(describe) },
    text: formatTable([['SECRET', 'HOLDER', 'CREATED (UTC)', 'STATE'], ...rows]),
  };
};

const revoke = async ({ store, subject, now }: Request): Promise<Report> => {
  const id = await revokeSecret(store, subject, now);
  return { json: { id, revoked: true }, text: `Revoked ${id}: it signs nothing from now on` };
};

/** Each action with the word for what it acts on. */
const ACTIONS = {
  create: { run: create, subject: 'a holder' },
  list: { run: list, subject: undefined },
  revoke: { run: revoke, subject: 'a secret or its id' },
} as const;

const isAction = (text: string): text is keyof typeof ACTIONS => Object.hasOwn(ACTIONS, text);

export const webhook = defineCommand({
  summary: 'create, list or revoke the secrets that sign webhooks',
  description: `Manages the secrets that sign what webhooks are told of jobs: create <holder>, list, revoke <secret>. The holder is that of the
key or the token that made the job, the id of an AWS role or user, or "anonymous". A holder has two live secrets at most, and both sign.`,
  positionals: ['action', 'holder or secret?'],
  options: {},
  onInterruption: () =>
    'Interrupted. The list shows whether the secret was made or revoked: npx onnx-serverless webhook list\n',
  async run({ positionals: [action = '', subject], target }) {
    if (!isAction(action)) misuse(`webhook ${action}, expected ${Object.keys(ACTIONS).join(', ')}`);
    const { run, subject: expected } = ACTIONS[action];
    if ((subject === undefined) !== (expected === undefined))
      misuse(`webhook ${action} takes ${expected ?? 'nothing'} behind it`);
    const { repository } = await target();
    return run({ store: repository.store, subject: subject ?? '', now: new Date() });
  },
});
