import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { METRIC_PRICE, METRICS } from '../../src/lambda/metrics.ts';
import { metricsTable } from '../support/monitoring/metrics-table.ts';

const page = await readFile('docs/monitoring.md', 'utf8');

describe('the page on monitoring', () => {
  it('has a row for each metric, as the code has them', () => {
    expect(page).toContain(metricsTable());
    for (const [name, { unit }] of Object.entries(METRICS)) expect(page).toContain(`| \`${name}\` | ${unit} |`);
  });

  it('has the price of a version that answers', () => {
    expect(page).toContain(`makes the first 17, and costs $${(17 * METRIC_PRICE).toFixed(2)} a month`);
  });
});
