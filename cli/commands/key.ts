import { type IssuedKey, issueKey, revokeKey, rotateKey } from '../../src/access/issue-keys.ts';
import { idInKey } from '../../src/access/key.ts';
import { isLive, readKeys, type StoredKey } from '../../src/access/key-document.ts';
import { OPERATIONS, toScope } from '../../src/access/scope.ts';
import { whoami } from '../../src/authoring/whoami.ts';
import type { ObjectStore } from '../../src/repository/stores/object-store.ts';
import { defineCommand, type Options, type Report, type Values } from '../command.ts';
import { fromWords, misuse } from '../options/misuse.ts';
import { formatDate, formatTable } from '../output/format.ts';

const DAY_MS = 86_400_000;
const OVERLAP_DAYS = '1';

const OPTIONS = {
  model: { type: 'string', multiple: true, value: '<model>', description: 'a model that create allows (default: all)' },
  operation: {
    ...{ type: 'string', multiple: true, value: '<operation>' },
    description: `what create allows: ${OPERATIONS.join(', ')} (default: predict)`,
  },
  days: {
    ...{ type: 'string', value: '<days>' },
    description: `create: the key expires after so many; rotate: the old key does (default: never; ${OVERLAP_DAYS})`,
  },
  rate: { type: 'string', value: '<requests>', description: 'create: requests a second that the key may make' },
  daily: { type: 'string', value: '<requests>', description: 'create: requests a day, which begins at midnight UTC' },
} as const satisfies Options;

interface Request {
  readonly store: ObjectStore;
  /** A holder for `create`, the id of a key, or the key itself, for `rotate` and `revoke`. */
  readonly subject: string;
  readonly values: Values<typeof OPTIONS>;
  readonly now: Date;
}

const daysAfter = (now: Date, text: string): Date => {
  if (/^[1-9]\d{0,3}$/.test(text)) return new Date(now.getTime() + Number(text) * DAY_MS);
  misuse(`--days ${text}, expected a number of days from 1 to 9999`);
};

/** @throws `INVALID_REQUEST` */
const limitOf = (option: string, text: string | undefined): number | undefined => {
  if (text === undefined || /^[1-9]\d{0,8}$/.test(text)) return text === undefined ? undefined : Number(text);
  misuse(`--${option} ${text}, expected a whole number of requests from 1`);
};

const formatLimits = ({ perSecond, perDay }: StoredKey): string =>
  [perSecond && `${perSecond}/s`, perDay && `${perDay}/day`].filter(Boolean).join(', ') || 'none';

/** A key without its hash. */
const describe = ({ sha256: _hash, ...key }: StoredKey) => key;

const stateOf = (key: StoredKey, now: Date): string => {
  if (key.revoked !== undefined) return `revoked ${formatDate(key.revoked)}`;
  if (!isLive(key, now.getTime())) return 'expired';
  return key.expires === undefined ? 'live' : `live until ${formatDate(key.expires)}`;
};

const reportIssued = ({ key, text }: IssuedKey): Report => ({
  json: { ...describe(key), key: text },
  text: `${text}\nKey ${key.id} of ${key.holder} may ${key.scopes.join(', ')}. Keep it now: nobody can show it again.`,
});

const create = async ({ store, subject: holder, values, now }: Request): Promise<Report> => {
  const { model: models = [undefined], operation: operations = ['predict'], days } = values;
  const scopes = fromWords(() => operations.flatMap((operation) => models.map((model) => toScope(operation, model))));
  const expires = days === undefined ? {} : { expires: daysAfter(now, days).toISOString() };
  const limits = { perSecond: limitOf('rate', values.rate), perDay: limitOf('daily', values.daily) };
  return reportIssued(await issueKey(store, { holder, scopes, by: whoami(), now, ...expires, ...limits }));
};

const rotate = async ({ store, subject, values: { days = OVERLAP_DAYS }, now }: Request): Promise<Report> => {
  const until = daysAfter(now, days);
  const id = idInKey(subject);
  const { json, text } = reportIssued(await rotateKey(store, id, { by: whoami(), now, until }));
  return { json, text: `${text}\nKey ${id} ends at ${formatDate(until.toISOString())} UTC, or earlier.` };
};

const revoke = async ({ store, subject, now }: Request): Promise<Report> => {
  const id = idInKey(subject);
  await revokeKey(store, id, now);
  return { json: { id, revoked: true }, text: `Revoked ${id}: within a minute it lets nobody in` };
};

const list = async ({ store, now }: Request): Promise<Report> => {
  const { entries: keys } = await readKeys(store);
  const rows = keys.map((key) => [
    key.id,
    key.holder,
    key.scopes.join(' '),
    formatLimits(key),
    formatDate(key.created),
    stateOf(key, now),
  ]);
  return {
    json: { keys: keys.map(describe) },
    text: formatTable([['KEY', 'HOLDER', 'SCOPES', 'LIMITS', 'CREATED (UTC)', 'STATE'], ...rows]),
  };
};

/** Each action with the word for what it acts on. */
const ACTIONS = {
  create: { run: create, subject: 'a holder' },
  list: { run: list, subject: undefined },
  rotate: { run: rotate, subject: 'a key or its id' },
  revoke: { run: revoke, subject: 'a key or its id' },
} as const;

const isAction = (text: string): text is keyof typeof ACTIONS => Object.hasOwn(ACTIONS, text);

export const key = defineCommand({
  summary: 'create, list, rotate or revoke keys of the API',
  description: `Manages the keys of a stage with auth=key: create <holder>, list, rotate <key>, revoke <key>. A key is shown once, and
stored as its SHA-256. A holder has two live keys at most. rotate makes a second one, and ends the first one after --days.`,
  positionals: ['action', 'holder or key?'],
  options: OPTIONS,
  onInterruption: () =>
    'Interrupted. The list shows whether the key was made or changed: npx onnx-serverless key list\n',
  async run({ positionals: [action = '', subject], values, target }) {
    if (!isAction(action)) misuse(`key ${action}, expected ${Object.keys(ACTIONS).join(', ')}`);
    const { run, subject: expected } = ACTIONS[action];
    if ((subject === undefined) !== (expected === undefined))
      misuse(`key ${action} takes ${expected ?? 'nothing'} behind it`);
    const { repository } = await target();
    return run({ store: repository.store, subject: subject ?? '', values, now: new Date() });
  },
});
