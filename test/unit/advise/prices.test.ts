import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { LIST_PRICES, oldPrices, PRICE_NAMES, parsePrices, withOverrides } from '../../../src/advise/prices.ts';

describe('the table of prices', () => {
  it.each(PRICE_NAMES)('has a date and a public source for %s', (name) => {
    const { dollars, unit, asOf, source } = LIST_PRICES[name];
    expect(dollars).toBeGreaterThan(0);
    expect(unit).not.toBe('');
    expect(Date.parse(asOf)).toBeGreaterThan(Date.parse('2024'));
    expect(new URL(source).protocol).toBe('https:');
  });

  it('says which prices were seen more than a year ago, unless the user gave them', () => {
    const later = Date.parse('2027-08-01');
    expect(oldPrices({}, later)).toContain('lambda.x86_64');
    expect(oldPrices({ 'lambda.x86_64': 1 }, later)).not.toContain('lambda.x86_64');
    expect(oldPrices({}, later)).not.toContain('cloud-run.vcpu');
    expect(oldPrices({}, Date.parse('2030'))).toEqual(PRICE_NAMES);
  });
});

describe('a price of the user', () => {
  it('goes before that of the table', () => {
    const prices = withOverrides(parsePrices(['lambda.arm64=1.2e-5', 'fargate.gb=.5']));
    expect(prices('lambda.arm64')).toBe(0.000012);
    expect(prices('fargate.gb')).toBe(0.5);
    expect(prices('lambda.x86_64')).toBe(LIST_PRICES['lambda.x86_64'].dollars);
  });

  it.each([
    ['lambda.arm64', /--price lambda\.arm64 is empty, expected US dollars per GB-second such as/],
    ['lambda.arm64=cheap', /--price lambda\.arm64 is cheap/],
    ['lambda.arm64=-1', /--price lambda\.arm64 is -1/],
    ['lambda.arm64=1e999', /--price lambda\.arm64 is 1e999/],
    ['gpu=1', /--price is gpu=1, expected <name>=<dollars> with one of lambda\.requests, /],
    ['__proto__=1', /expected <name>=<dollars>/],
  ])('is refused: %s', (text, message) => {
    expect(() => parsePrices([text])).toThrow(message);
  });
});

describe('documents have the prices of the table', () => {
  const perGb = LIST_PRICES['lambda.x86_64'].dollars;
  const million = (ms: number, memoryMb: number): number => 1000 * ms * (memoryMb / 1024) * perGb;

  it('README.md', async () => {
    const readme = await readFile('README.md', 'utf8');
    const [time, requests, api] = [
      million(100, 1769),
      LIST_PRICES['lambda.requests'].dollars,
      LIST_PRICES['http-api.requests'].dollars,
    ];
    expect(readme).toContain(`cost $${(time + requests + api).toFixed(2)} in us-east-1`);
    expect(readme).toContain(
      `by the list prices of ${LIST_PRICES['lambda.x86_64'].asOf} (HTTP API: ${LIST_PRICES['http-api.requests'].asOf})`,
    );
    expect(readme).toContain(`| $${perGb} per GB-second | $${time.toFixed(2)} |`);
    expect(readme).toContain(`| $${requests.toFixed(2)} per million | $${requests.toFixed(2)} |`);
    expect(readme).toContain(`| $${api.toFixed(2)} per million | $${api.toFixed(2)} |`);
  });

  it('docs/security.md', async () => {
    const page = await readFile('docs/security.md', 'utf8');
    const [requests, api] = [LIST_PRICES['lambda.requests'].dollars, LIST_PRICES['http-api.requests'].dollars];
    expect(page).toContain(`$${perGb} per GB-second`);
    expect(page).toContain(`Requests cost $${(requests + api).toFixed(2)} per million`);
  });

  it('docs/performance.md', async () => {
    const page = await readFile('docs/performance.md', 'utf8');
    expect(page).toContain(`(x86_64 $${perGb}, arm64 $${LIST_PRICES['lambda.arm64'].dollars})`);
    expect(page).toContain(
      `as of ${LIST_PRICES['lambda.x86_64'].asOf} (provisioned concurrency: ${LIST_PRICES['lambda.kept'].asOf})`,
    );
    const [kept, run] = [LIST_PRICES['lambda.kept'].dollars, LIST_PRICES['lambda.kept-run'].dollars];
    expect(page).toContain(`seconds kept × $${kept} + seconds run × $${run}`);
  });
});
