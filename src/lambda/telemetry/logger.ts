import { createOutput, serviceName } from './output.ts';

type Fields = Readonly<Record<string, unknown>>;

/** Writes lines of JSON into the log. Fields that are undefined are left out. */
export interface Logger {
  info(message: string, fields: Fields): void;
  warn(message: string, fields: Fields): void;
  error(message: string, fields: Fields): void;
}

/** Levels of Lambda and of Powertools in their order. */
const LEVELS: readonly string[] = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'CRITICAL', 'SILENT'];

/** The least level that is written. https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-log-level.html */
const leastLevel = ({ AWS_LAMBDA_LOG_LEVEL, POWERTOOLS_LOG_LEVEL, LOG_LEVEL }: NodeJS.ProcessEnv): number => {
  const name = (AWS_LAMBDA_LOG_LEVEL || POWERTOOLS_LOG_LEVEL || LOG_LEVEL || 'INFO').toUpperCase();
  const level = LEVELS.indexOf(name === 'FATAL' ? 'CRITICAL' : name);
  return level < 0 ? LEVELS.indexOf('INFO') : level;
};

/** Lambda names the trace of an invocation in its environment: `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=…;Sampled=1`. */
const xRayTraceId = (): string | undefined => /Root=([^;]+)/.exec(process.env._X_AMZN_TRACE_ID ?? '')?.[1];

export const createLogger = (environment: NodeJS.ProcessEnv = process.env): Logger => {
  const output = createOutput(environment);
  const service = serviceName(environment);
  const least = leastLevel(environment);
  const writing =
    (level: string, method: 'info' | 'warn' | 'error'): Logger['info'] =>
    (message, fields) => {
      if (LEVELS.indexOf(level) < least) return;
      const timestamp = new Date().toISOString();
      output[method](JSON.stringify({ level, message, timestamp, service, xray_trace_id: xRayTraceId(), ...fields }));
    };
  return { info: writing('INFO', 'info'), warn: writing('WARN', 'warn'), error: writing('ERROR', 'error') };
};
