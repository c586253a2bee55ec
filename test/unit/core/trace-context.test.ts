import { describe, expect, it } from '@jest/globals';
import { readTraceContext } from '../../../src/core/trace-context.ts';

const TRACE = '0af7651916cd43dd8448eb211c80319c';
const PARENT = 'b7ad6b7169203331';
const ROOT = '1-67891233-abcdef012345678912345678';

describe('traceparent', () => {
  it.each([
    [`00-${TRACE}-${PARENT}-01`, true],
    [`00-${TRACE}-${PARENT}-00`, false],
    [`00-${TRACE}-${PARENT}-03`, true],
    [` 00-${TRACE}-${PARENT}-01 `, true],
    [`01-${TRACE}-${PARENT}-01-of a later version`, true],
  ])('%s names a trace', (traceparent, isSampled) => {
    expect(readTraceContext({ traceparent })).toEqual({ traceId: TRACE, parentId: PARENT, isSampled });
  });

  it.each([
    '',
    'x',
    `00-${TRACE}-${PARENT}`,
    `00-${TRACE}-${PARENT}-01-more`,
    `00-${TRACE}-${PARENT}-01\n`.repeat(2),
    `ff-${TRACE}-${PARENT}-01`,
    `00-${'0'.repeat(32)}-${PARENT}-01`,
    `00-${TRACE}-${'0'.repeat(16)}-01`,
    `00-${TRACE.toUpperCase()}-${PARENT}-01`,
    `00-${TRACE.slice(1)}-${PARENT}-01`,
    `01-${TRACE}-${PARENT}-01-${'x'.repeat(10_000)}`,
  ])('%s is none', (traceparent) => {
    expect(readTraceContext({ traceparent })).toBeUndefined();
  });
});

describe('x-amzn-trace-id', () => {
  const traceId = '67891233abcdef012345678912345678';
  const ZEROS = `Root=1-${'0'.repeat(8)}-${'0'.repeat(24)}`;

  it.each([
    [`Root=${ROOT}`, undefined],
    [`Root=${ROOT};Parent=53995c3f42cd8ad8;Sampled=0`, '53995c3f42cd8ad8'],
    [`Self=1-67891234-12456789abcdef012345678;Root=${ROOT.toUpperCase()};Lineage=a:b`, undefined],
  ])('%s names a trace, whether X-Ray records it or not', (header, parentId) => {
    expect(readTraceContext({ 'x-amzn-trace-id': header })).toEqual({ traceId, parentId, isSampled: true });
  });

  it.each(['', 'Root=1-2-3', ZEROS, `NotRoot=${ROOT}`, `Root=${ROOT}0`, `Root=${ROOT};${'a'.repeat(2_000)}`])(
    '%s is none',
    (header) => {
      expect(readTraceContext({ 'x-amzn-trace-id': header })).toBeUndefined();
    },
  );

  it('counts where there is no valid traceparent', () => {
    const xRay = { 'x-amzn-trace-id': `Root=${ROOT}` };
    expect(readTraceContext({ ...xRay, traceparent: 'x' })?.traceId).toBe(traceId);
    expect(readTraceContext({ ...xRay, traceparent: `00-${TRACE}-${PARENT}-01` })?.traceId).toBe(TRACE);
  });
});
