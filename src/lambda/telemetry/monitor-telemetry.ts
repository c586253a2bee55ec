import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics } from '@aws-lambda-powertools/metrics';
import { ServingError } from '../../core/errors.ts';
import type { MonitorTelemetry, SpendingReport } from '../../monitoring/job.ts';
import { METRICS, type MetricName, type MetricValue } from '../metrics.ts';
import type { Notify } from '../notification.ts';
import { createWarned } from './describe-failure.ts';

const DECIDED = {
  time: 'canary timed',
  raise: 'canary raised',
  promote: 'canary promoted',
  rollback: 'canary rolled back',
} as const;

/** The alarm of serverless.yml has the same threshold. */
const ALMOST_SPENT_PERCENT = 80;

const spentMessage = ({ month, dollars, limitDollars }: Omit<SpendingReport, 'isReached'>): string => `\
The requests of ${month} have cost $${dollars.toFixed(2)}, and maxMonthlyDollars is ${limitDollars}.
Callers are refused until the month ends, unless auth is aws_iam. A deployment with a higher limit lets them in.
`;

/**
 * Metrics of the whole stage and log lines of the monitor's decisions.
 * @param notify tells people that a canary was rolled back, or that the month's limit is reached
 */
export const createMonitorTelemetry = (notify: Notify): MonitorTelemetry => {
  const metrics = new Metrics();
  const logger = new Logger();
  const warned = createWarned(logger);
  const publish = (values: readonly MetricValue[], model?: string): void => {
    if (model !== undefined) metrics.addDimension('model', model);
    for (const [name, value] of values) metrics.addMetric(name, METRICS[name].unit, value);
    metrics.publishStoredMetrics();
  };
  const tell: Notify = (subject, message) =>
    notify(subject, message).catch((error: unknown) =>
      warned(`the notification was not sent: ${subject}`, ServingError.from(error)),
    );
  const count = (name: MetricName): void => publish([[name, 1]]);

  return {
    warned,
    judged({ model, samples, verdict, worst, drifted, isSilent }) {
      const values: MetricValue[] = [['Samples', samples]];
      if (worst) values.push(['WorstDrift', worst.drift]);
      if (drifted) values.push(['DriftedFeatures', drifted.length]);
      publish(values, model);
      if (verdict === 'drift') count('DriftedModels');
      if (isSilent) {
        count('SilentModels');
        logger.warn('no answers were captured for a day', { model });
      }
      const line = { model, samples, verdict, worst, drifted };
      if (verdict === 'drift' || verdict === 'warning') logger.warn('inputs or answers drift', line);
      else logger.info('drift judged', line);
    },
    scored({ model, accuracy, labels }) {
      publish([['Accuracy', accuracy]], model);
      publish([['LeastAccuracy', accuracy]]);
      logger.info('accuracy scored', { model, accuracy, labels });
    },
    async spent({ month, dollars, limitDollars, isReached }) {
      const percent = (100 * dollars) / limitDollars;
      publish([['BudgetSpent', percent]]);
      const line = { month, dollars, limitDollars };
      if (percent < ALMOST_SPENT_PERCENT) return logger.info('spending added up', line);
      logger.warn(percent < 100 ? 'the limit of the month is near' : 'the limit of the month is reached', line);
      if (isReached) await tell('the spending limit of the month is reached', spentMessage(line));
    },
    async decided({ model, version, action, note }) {
      const line = { model, version, note };
      if (action !== 'rollback') {
        if (action !== 'time') count('CanarySteps');
        return logger.info(DECIDED[action], line);
      }
      count('CanaryRollbacks');
      logger.warn(DECIDED[action], line);
      const text = `Version ${version} of model ${model} was rolled back by the monitor: ${note}.`;
      const more = `npx onnx-serverless history ${model} shows its way.`;
      await tell(`${model}: canary ${version} rolled back`, `${text}\n${more}\n`);
    },
  };
};
