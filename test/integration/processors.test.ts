import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { tensor } from '../../src/core/tensor.ts';
import { compareOutputs } from '../support/processors/compare-outputs.ts';
import { BLOCK, toProcessorTable } from '../support/processors/table.ts';
import { formatTolerance, graphTolerance, readRecord, toTolerance } from '../support/processors/tolerances.ts';

const replayed = (path: string, ...values: number[]) => [
  { path, outputs: [{ y: tensor('float32', [values.length], Float32Array.from(values)) }] },
];

describe('the record of processors', () => {
  it('the parity page shows how far the outputs of each graph move between processors', async () => {
    const [block] = BLOCK.exec(await readFile('docs/parity.md', 'utf8')) ?? [];
    expect(block).toContain(toProcessorTable(await readRecord()));
  });

  it('every graph was measured on three pairs of processors, and moves between some of them', async () => {
    const rows = Object.values((await readRecord()).graphs);
    expect(rows.length).toBeGreaterThanOrEqual(30);
    expect(new Set(rows.map((row) => Object.keys(row).length))).toEqual(new Set([3]));
    expect(rows.filter((row) => Math.max(...Object.values(row)) > 0).length).toBeGreaterThan(rows.length / 2);
  });

  it('a graph whose outputs move by 2e-4 between processors may lie twice as far from its reference', () => {
    expect(toTolerance({ 'A and B': 1e-4, 'A and C': 2e-4 })).toBe(4e-4);
    expect(graphTolerance('tiny-rt-detr/model.onnx')).toBeGreaterThan(2.1e-4);
  });

  it('a graph that was not measured may differ by rounding alone', () => {
    expect(graphTolerance('no-such-model/model.onnx')).toBe(2 ** -17);
  });

  it.each([
    [4.21e-4, '4.3e-4'],
    [9.96e-5, '1.0e-4'],
  ])('a tolerance of %d is shown as %s, never as less', (tolerance, shown) => {
    expect(formatTolerance(tolerance)).toBe(shown);
    expect(Number(shown)).toBeGreaterThanOrEqual(tolerance);
  });

  it.each([
    ['equal numbers', [1, Number.NEGATIVE_INFINITY, Number.NaN], [1, Number.NEGATIVE_INFINITY, Number.NaN], 0],
    ['the largest of several differences', [1, 2, 3], [1.5, 4, 2], 2],
    ['a number and NaN', [1, 5], [Number.NaN, 5], Number.POSITIVE_INFINITY],
    ['outputs of another length', [1, 2], [1], Number.POSITIVE_INFINITY],
  ])('processors are compared by the largest difference: %s', (_case, one, other, difference) => {
    expect(compareOutputs(replayed('a', ...one), replayed('a', ...other)).get('a')).toBe(difference);
  });

  it('a graph that another processor did not run differs without bound', () => {
    expect(compareOutputs(replayed('a', 1), replayed('b', 1)).get('a')).toBe(Number.POSITIVE_INFINITY);
  });
});
