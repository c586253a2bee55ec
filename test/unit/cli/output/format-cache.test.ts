import { describe, expect, it } from '@jest/globals';
import { cacheFields } from '../../../../cli/output/format-cache.ts';

/** 60 % of the template's 1,769 MB. */
const SHARE_BYTES = 1_769 * 0.6 * 1024 * 1024;

const fieldsOf = (settings: Record<string, unknown>, peakMemoryBytes = 0) =>
  cacheFields({ settings, trialRun: { peakMemoryBytes } } as never);

describe('the cache of generated texts, as show tells it', () => {
  it('is bytes of a token, and the longest text that fits beside the model', () => {
    const model = 500_000_000;
    const fitting = Math.floor((SHARE_BYTES - model) / (4 * 46_080));
    expect(fieldsOf({ cacheBytesPerToken: 46_080, contextLength: 100_000 }, model)).toEqual({
      cache: '46.1 kB a token, four times while a token is computed',
      'longest text': `${fitting} tokens with its answer at memory=1769, which has room for ${fitting}`,
    });
  });

  it('is no longer than the context, and nothing where the model takes all', () => {
    expect(fieldsOf({ cacheBytesPerToken: 256, contextLength: 4_096 })['longest text']).toMatch(/^4096 tokens/);
    expect(fieldsOf({ cacheBytesPerToken: 256 }, 2 * SHARE_BYTES)['longest text']).toMatch(/^0 tokens .*room for 0$/);
  });

  it('is left out for models without one', () => {
    expect(fieldsOf({})).toEqual({});
  });
});
