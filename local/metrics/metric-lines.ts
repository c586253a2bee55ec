import * as v from 'valibot';

/** A value that a function logged in CloudWatch's embedded metric format. */
export interface LoggedMetric {
  readonly name: string;
  readonly unit: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly values: readonly number[];
}

/** CloudWatch and Powertools begin such a line with this. */
const START = '{"_aws"';

const metricSchema = v.object({ Name: v.string(), Unit: v.optional(v.string(), 'None') });
const lineSchema = v.looseObject({
  _aws: v.object({
    CloudWatchMetrics: v.array(v.object({ Dimensions: v.array(v.array(v.string())), Metrics: v.array(metricSchema) })),
  }),
});
const valuesSchema = v.union([
  v.array(v.number()),
  v.pipe(
    v.number(),
    v.transform((value) => [value]),
  ),
]);

export const isMetricLine = (line: string): boolean => line.startsWith(START);

const parseJson = (line: string): unknown => {
  try {
    return JSON.parse(line);
  } catch {
    return undefined; // a function may log anything
  }
};

/** The metrics of a line of a function's log; none for any other line. */
export const parseMetricLine = (line: string): LoggedMetric[] => {
  const parsed = v.safeParse(lineSchema, isMetricLine(line) ? parseJson(line) : undefined);
  if (!parsed.success) return [];
  const { _aws, ...fields } = parsed.output;
  return _aws.CloudWatchMetrics.flatMap(({ Dimensions, Metrics }) =>
    Dimensions.flatMap((names) => {
      const dimensions = Object.fromEntries(names.map((name) => [name, String(fields[name] ?? '')]));
      return Metrics.flatMap(({ Name: name, Unit: unit }): LoggedMetric[] => {
        const values = v.safeParse(valuesSchema, fields[name]);
        return values.success ? [{ name, unit, dimensions, values: values.output }] : [];
      });
    }),
  );
};
