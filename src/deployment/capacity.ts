import { isObject } from '../core/is-object.ts';
import { show } from '../core/show.ts';
import { isTimezone } from './timezone.ts';
import { cronsOf, environmentsAt, parseWeeklySchedule, stepsOf, type Window } from './weekly-schedule.ts';

/** The environments that a stage keeps for requests, and those that other work may take. */
export interface Capacity {
  /** Environments outside of the windows. */
  readonly base: number;
  /** Environments up to which target tracking grows; 0 for no tracking. */
  readonly most: number;
  readonly utilisation: number;
  readonly windows: readonly Window[];
  readonly timezone: string;
  /** Minutes before a window in which its environments start and load their models. */
  readonly leadMinutes: number;
}

/** The least that an event source of SQS takes. */
const LEAST_CONSUMERS = 2;

/** The least and the most of parameters that osls reads, too. */
export const BOUNDS = {
  provisionedConcurrency: [0, 10_000],
  reservedConcurrency: [0, 100_000],
  bulkConcurrency: [0, 100_000],
  uploadConcurrency: [LEAST_CONSUMERS, 1000],
  jobConcurrency: [LEAST_CONSUMERS, 1000],
} as const;

const refuse = (name: string, value: unknown, problem: string): never => {
  throw new Error(`the parameter ${name} is ${show(value)}, ${problem}`);
};

/** Parameters on the command line are text. */
const parseWhole = (name: string, value: unknown, least: number, most: number): number => {
  const isWhole = /^\d{1,6}$/.test(String(value)) && Number(value) >= least && Number(value) <= most;
  return isWhole ? Number(value) : refuse(name, value, `expected a whole number from ${least} to ${most}`);
};

const parseTimezone = (value: unknown): string =>
  isTimezone(String(value))
    ? String(value)
    : refuse('scheduleTimezone', value, 'expected the name of a time zone such as Europe/Berlin or UTC');

const parseUtilisation = (value: unknown): number =>
  /^0?\.\d+$/.test(String(value)) && Number(value) >= 0.1 && Number(value) <= 0.9
    ? Number(value)
    : refuse('provisionedUtilisation', value, 'expected a share from 0.1 to 0.9');

/** A parameter that stands for no limit when it is left out. */
const parseOptional = (name: 'reservedConcurrency' | 'bulkConcurrency', value: unknown): number | undefined =>
  value === null || value === undefined ? undefined : parseWhole(name, value, ...BOUNDS[name]);

/** Uploads, jobs, webhooks and runs over many objects may not take the whole account. */
const assertRoom = (settings: Readonly<Record<string, unknown>>): void => {
  const account = parseWhole('accountConcurrency', settings.account, 1, 100_000);
  const uploads = parseWhole('uploadConcurrency', settings.uploads, ...BOUNDS.uploadConcurrency);
  const jobs = parseWhole('jobConcurrency', settings.jobs, ...BOUNDS.jobConcurrency);
  const bulk = parseOptional('bulkConcurrency', settings.bulk) ?? 0;
  const webhooks = parseWhole('webhooks of custom.capacity', settings.webhooks, LEAST_CONSUMERS, 1000);
  const others = uploads + jobs + bulk + webhooks;
  if (others < account) return;
  const work = `uploadConcurrency ${uploads}, jobConcurrency ${jobs}, bulkConcurrency ${bulk} and ${webhooks} of webhooks`;
  throw new Error(
    `${work} are ${others} environments, and leave none of the account's ${account} to requests; lower them, or give its limit as accountConcurrency`,
  );
};

/**
 * Reads `custom.capacity` of serverless.yml, which holds the stage parameters.
 * @throws Error that names the parameter, what came and what was expected
 */
export const parseCapacity = (value: unknown): Capacity => {
  const settings = isObject(value) ? value : {};
  assertRoom(settings);
  const base = parseWhole('provisionedConcurrency', settings.provisioned, ...BOUNDS.provisionedConcurrency);
  const most = parseWhole('provisionedMaximum', settings.most, 0, 10_000);
  const windows = parseWeeklySchedule(String(settings.schedule));
  const [largest, smallest] = [
    Math.max(base, ...windows.map(({ environments }) => environments)),
    Math.min(...windows.map(({ environments }) => environments)),
  ];
  if (smallest <= base)
    refuse(
      'provisionedSchedule',
      settings.schedule,
      `which keeps ${smallest}; provisionedConcurrency keeps ${base} always`,
    );
  if (most > 0 && largest === 0)
    refuse(
      'provisionedMaximum',
      most,
      'but nothing is kept from which to grow: give provisionedConcurrency or provisionedSchedule',
    );
  if (most > 0 && most < largest) refuse('provisionedMaximum', most, `less than the ${largest} that are kept`);
  const reserved = parseOptional('reservedConcurrency', settings.reserved);
  if (reserved !== undefined && Math.max(most, largest) > reserved)
    refuse('reservedConcurrency', reserved, `less than the ${Math.max(most, largest)} environments to keep`);
  return {
    ...{ base, most, windows, timezone: parseTimezone(settings.timezone) },
    utilisation: parseUtilisation(settings.utilisation),
    leadMinutes: parseWhole('scheduleLead', settings.leadMinutes, 0, 60),
  };
};

export const changesByItself = ({ most, windows }: Capacity): boolean => most > 0 || windows.length > 0;

/** The resources of Application Auto Scaling for the alias of a function, by their logical ids. */
export const toScalingResources = (
  { base, most, utilisation, windows, timezone, leadMinutes }: Capacity,
  { functionId, aliasId }: { readonly functionId: string; readonly aliasId: string },
): Readonly<Record<string, unknown>> => {
  const target = `${aliasId}Target`;
  // From none nothing can grow: no environment is left to measure.
  const limits = (environments: number) => ({
    MinCapacity: environments,
    MaxCapacity: environments === 0 ? 0 : Math.max(environments, most),
  });
  const steps = stepsOf(windows, { base, leadMinutes });
  // A schedule of all hours has no change that would begin it.
  const least = steps.length === 0 ? environmentsAt(windows, 0, { base, leadMinutes }) : base;
  const scheduled = cronsOf(steps).map(({ cron, environments }, index) => ({
    ScheduledActionName: `keep-${environments}-${index + 1}`,
    Schedule: cron,
    Timezone: timezone,
    ScalableTargetAction: limits(environments),
  }));
  const policy = {
    Type: 'AWS::ApplicationAutoScaling::ScalingPolicy',
    Properties: {
      PolicyName: 'utilisation',
      PolicyType: 'TargetTrackingScaling',
      ScalingTargetId: { Ref: target },
      TargetTrackingScalingPolicyConfiguration: {
        TargetValue: utilisation,
        PredefinedMetricSpecification: { PredefinedMetricType: 'LambdaProvisionedConcurrencyUtilization' },
      },
    },
  };
  return {
    [target]: {
      Type: 'AWS::ApplicationAutoScaling::ScalableTarget',
      DependsOn: [aliasId],
      Properties: {
        ...limits(least),
        ServiceNamespace: 'lambda',
        ScalableDimension: 'lambda:function:ProvisionedConcurrency',
        ResourceId: { 'Fn::Sub': `function:\${${functionId}}:provisioned` },
        ...(scheduled.length > 0 && { ScheduledActions: scheduled }),
      },
    },
    ...(most > 0 && { [`${aliasId}Policy`]: policy }),
  };
};
