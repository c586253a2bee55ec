import { LAMBDA_MOST_TMP_MB } from '../core/aws-limits.ts';
import { BYTES_PER_LAMBDA_MB, formatLambdaMb } from '../core/format-bytes.ts';

/** The parameters `tmpSize` and `modelTmpShare` of the template, `serverless.yml`. */
export const TEMPLATE_TMP_MB = 1_024;
export const TEMPLATE_TMP_SHARE = 0.9;

/** A note on a model whose files do not fit into `/tmp` of a function as the template has it; none for others. */
export const noteOnTmp = (fileBytes: number): string[] => {
  const neededMb = Math.ceil(fileBytes / TEMPLATE_TMP_SHARE / BYTES_PER_LAMBDA_MB);
  if (neededMb <= TEMPLATE_TMP_MB) return [];
  const loads = `a function loads ${formatLambdaMb(fileBytes)} of files`;
  if (neededMb > LAMBDA_MOST_TMP_MB)
    return [`${loads}; none has the ${neededMb} MB of /tmp that they need, but at most ${LAMBDA_MOST_TMP_MB} MB`];
  return [
    `${loads}; it needs the parameter tmpSize=${neededMb} (the template has ${TEMPLATE_TMP_MB}): ` +
      `npx sls deploy --param="tmpSize=${neededMb}"`,
  ];
};
