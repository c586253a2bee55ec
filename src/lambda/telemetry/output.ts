import { Console } from 'node:console';

/** The variables of the environment are those of Powertools, whose lines these are. */
export const isTrue = (text: string | undefined): boolean => /^(1|y|yes|t|true|on)$/i.test(text?.trim() ?? '');

export const serviceName = ({ POWERTOOLS_SERVICE_NAME: name }: NodeJS.ProcessEnv): string => name || 'onnx-serverless';

/** Takes lines as they are. Lambda puts a time and an id before those of the global console, which a test can watch. */
export const createOutput = ({ POWERTOOLS_DEV: dev }: NodeJS.ProcessEnv): Console =>
  isTrue(dev) ? console : new Console({ stdout: process.stdout, stderr: process.stderr });
