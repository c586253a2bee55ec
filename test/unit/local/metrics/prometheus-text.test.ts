import { describe, expect, it } from '@jest/globals';
import { parseMetricLine } from '../../../../local/metrics/metric-lines.ts';
import { createMetricTotals } from '../../../../local/metrics/prometheus-text.ts';

const line = (values: Readonly<Record<string, unknown>>, dimensions: Readonly<Record<string, string>>): string => {
  const Metrics = Object.keys(values).map((Name) => ({ Name, Unit: Name.endsWith('Time') ? 'Milliseconds' : 'Count' }));
  const directive = { Namespace: 'test', Dimensions: [Object.keys(dimensions)], Metrics };
  return JSON.stringify({ _aws: { Timestamp: 1, CloudWatchMetrics: [directive] }, ...dimensions, ...values });
};

const textOf = (...lines: string[]): string => {
  const totals = createMetricTotals();
  for (const each of lines) for (const metric of parseMetricLine(each)) totals.add(metric);
  return totals.toText();
};

describe('the text for Prometheus', () => {
  it('adds up counts, and has the sum and the number of times, by dimensions', () => {
    const first = { model: 'a', version: '1' };

    const text = textOf(
      line({ Requests: 2, RunTime: 10 }, first),
      line({ Requests: 1, RunTime: 2.5 }, first),
      line({ Requests: 5 }, { model: 'b', version: '1' }),
    );

    expect(text).toBe(`# TYPE onnx_serverless_requests_total counter
onnx_serverless_requests_total{model="a",version="1"} 3
onnx_serverless_requests_total{model="b",version="1"} 5
# TYPE onnx_serverless_run_time_milliseconds summary
onnx_serverless_run_time_milliseconds_sum{model="a",version="1"} 12.5
onnx_serverless_run_time_milliseconds_count{model="a",version="1"} 2
`);
  });

  it('takes the values that CloudWatch takes: a number, or several', () => {
    expect(textOf(line({ Requests: [1, 2] }, {}))).toContain('onnx_serverless_requests_total 3\n');
  });

  it('takes metrics of other functions, and escapes labels', () => {
    const text = textOf(line({ Sparks: 3 }, { place: 'a "b"\n\\c' }));

    expect(text).toContain('onnx_serverless_sparks_sum{place="a \\"b\\"\\n\\\\c"} 3\n');
  });

  it.each(['{"_aws"', '{"_aws":{}}', '{"message":"x"}', 'a line', ''])('passes over any other line: %s', (other) => {
    expect(textOf(other)).toBe('');
  });

  it('leaves out a metric without a number', () => {
    expect(textOf(line({ Requests: 'many' }, {}))).toBe('');
  });
});
