import { expect, it } from '@jest/globals';
import { pythonCosine } from '../support/quantised/python-cosine.ts';

/** Most that the cosine may lie below 1. */
const TOLERANCE = 0.002;

it("EfficientNet-Lite0 in 8-bit integers answers as the graph of Python's quantizer does", async () => {
  expect(await pythonCosine('lite0', 'models/efficientnet-lite0')).toBeGreaterThan(1 - TOLERANCE);
});
