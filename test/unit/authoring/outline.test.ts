import { describe, expect, it } from '@jest/globals';
import { formatOutline } from '../../../cli/output/format-outline.ts';
import { boundOutline } from '../../../src/authoring/outline.ts';
import type { Outline } from '../../../src/formats/imported-model.ts';

const chain = (depth: number): Outline =>
  depth === 0 ? { text: 'end' } : { text: `level ${depth}`, parts: [chain(depth - 1)] };
const countOf = ({ parts = [] }: Outline): number => 1 + parts.reduce((sum, part) => sum + countOf(part), 0);

describe('the outline of a model', () => {
  it('is a tree, with a line for each part', () => {
    const outline = { text: 'Pipeline', parts: [{ text: 'scale', parts: [{ text: 'age' }] }, { text: 'classify' }] };
    expect(formatOutline(outline)).toBe('  Pipeline\n  ├─ scale\n  │  └─ age\n  └─ classify');
  });

  it('stays as it is when it is small', () => {
    const outline = { text: 'Pipeline', parts: [{ text: 'scale' }, { text: 'classify' }] };
    expect(boundOutline(outline)).toEqual(outline);
  });

  it('says how many parts it leaves out', () => {
    const forest = { text: 'forest', parts: Array.from({ length: 500 }, (_, index) => ({ text: `tree ${index}` })) };
    expect(boundOutline(forest).parts?.at(-1)).toEqual({ text: '… and 440 more' });
  });

  it('is bounded in the number of its parts, their depth and their length', () => {
    const leaves = Array.from({ length: 50 }, () => ({ text: `long\n${'x'.repeat(10_000)}` }));
    const wide = { text: 'root', parts: Array.from({ length: 50 }, () => ({ text: 'branch', parts: leaves })) };
    const bounded = boundOutline({ text: 'both', parts: [wide, chain(5000)] });
    expect(countOf(bounded)).toBeLessThan(500);
    expect(JSON.stringify(bounded).length).toBeLessThan(200_000);
    expect(formatOutline(bounded).split('\n')).toHaveLength(countOf(bounded));
  });
});
