import { whoami } from '../../src/authoring/whoami.ts';
import {
  type CaptureChange,
  type CaptureSettings,
  changeCaptureSettings,
  INPUT_LEVELS,
} from '../../src/capture/capture-settings.ts';
import { dayOf } from '../../src/capture/prediction-id.ts';
import { eachCapture, listCaptures } from '../../src/capture/read-captures.ts';
import type { Options, Report, Values } from '../command.ts';
import { formatShare } from '../output/format.ts';
import type { Target } from '../targets/target.ts';
import { misuse } from './misuse.ts';
import { parseShare } from './routing-change.ts';

/** Options that change what is captured of a model's predictions. */
export const CAPTURE_OPTIONS = {
  capture: { type: 'string', value: '<share>', description: 'capture a share of the predictions, such as 10%, or off' },
  inputs: {
    ...{ type: 'string', value: INPUT_LEVELS.join('|') },
    description: 'what is captured of inputs: figures of them, themselves too, or nothing (default: features)',
  },
  redact: {
    ...{ type: 'string', value: '<fields>' },
    description: 'columns, keys of JSON inputs, and fields of the record to leave out, comma-separated; "" for none',
  },
} as const satisfies Options;

type CaptureValues = Values<typeof CAPTURE_OPTIONS>;

const parseInputs = (text: string): CaptureSettings['inputs'] => {
  const level = INPUT_LEVELS.find((known) => known === text);
  if (level !== undefined) return level;
  misuse(`--inputs is ${text}, expected ${INPUT_LEVELS.join(', ')}`);
};

const parseRedact = (text: string): string[] =>
  text
    .split(',')
    .map((field) => field.trim())
    .filter((field) => field !== '');

/** The change that options ask for; undefined when there is none. @throws `INVALID_REQUEST` */
export const parseCaptureChange = ({ capture, inputs, redact }: CaptureValues): CaptureChange | undefined => {
  if (capture === undefined && inputs === undefined && redact === undefined) return undefined;
  return {
    ...(capture !== undefined && { share: capture === 'off' ? 0 : parseShare('--capture', capture) }),
    ...(inputs !== undefined && { inputs: parseInputs(inputs) }),
    ...(redact !== undefined && { redact: parseRedact(redact) }),
  };
};

/** `captures 10 % of the predictions, with features of their inputs`. */
const describeCapture = (settings: CaptureSettings): string => {
  if (settings.share === 0) return 'captures nothing';
  const { share, inputs, redact } = settings;
  const kept = { features: 'with features of their inputs', full: 'with their inputs', none: 'without their inputs' };
  const left = redact.length === 0 ? '' : `, less ${redact.join(', ')}`;
  return `captures ${formatShare(share)} of the predictions, ${kept[inputs]}${left}`;
};

/** Changes what is captured of a model's predictions, and shows what was captured today. */
export const changeCapture = async (
  { repository, data }: Target,
  name: string,
  change: CaptureChange,
): Promise<Report> => {
  const settings = await changeCaptureSettings(repository, name, whoami(), change);
  const keys = await listCaptures(data, name, dayOf(Date.now()));
  let records = 0;
  const damaged = await eachCapture(data, keys, ({ length }) => {
    records += length;
  });
  const broken = damaged
    .map(({ key, problem }) => `\n${key} is damaged, and what cannot be read is left out: ${problem}`)
    .join('');
  return {
    text: `${name} ${describeCapture(settings)}\n${records} records today, in ${keys.length} objects${broken}`,
    json: { name, capture: settings, today: { records, objects: keys.length, damaged } },
  };
};
