import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { load } from 'js-yaml';
import { setStageParameters } from '../../../../cli/options/stage-parameters.ts';

const template = await readFile('serverless.yml', 'utf8');
const paramsOf = (text: string): Readonly<Record<string, Readonly<Record<string, unknown>>>> =>
  Object(load(text)).params;

describe('parameters in serverless.yml', () => {
  it('are changed in their lines, and nothing else is', () => {
    const { text, difference } = setStageParameters(template, 'default', { memory: 3008, architecture: 'x86_64' });
    expect(difference).toEqual(['-    memory: 1769', '+    memory: 3008']);
    expect(text).toBe(template.replace('\n    memory: 1769\n', '\n    memory: 3008\n'));
    expect(paramsOf(text).default).toEqual({ ...paramsOf(template).default, memory: 3008 });
  });

  it('come into a new block for a stage without one, behind that of all stages', () => {
    const { text, difference } = setStageParameters(template, 'prod', { memory: 512 });
    expect(difference).toEqual(['+  prod:', '+    memory: 512']);
    expect(paramsOf(text)).toEqual({ ...paramsOf(template), prod: { memory: 512 } });
    const again = setStageParameters(text, 'prod', { memory: 512 });
    expect(again).toEqual({ text, difference: [] });
  });

  it('come into the block of a stage that has others', () => {
    const { text } = setStageParameters(template, 'prod', { auth: 'none' });
    const { text: both } = setStageParameters(text, 'prod', { memory: 512 });
    expect(paramsOf(both).prod).toEqual({ auth: 'none', memory: 512 });
  });

  it('keep the comment of their line', () => {
    const text = 'params:\n  default:\n    memory: 1769 # one vCPU\n\nprovider: {}\n';
    expect(setStageParameters(text, 'default', { memory: 512 }).text).toContain('\n    memory: 512 # one vCPU\n');
  });

  it.each([
    ['no params', 'service: x\n', /has no block params;/],
    ['no block for all stages', 'params:\n  dev:\n    memory: 1\n', /has no block params\.default;/],
  ])('are refused in a file with %s', (_name, text, message) => {
    expect(() => setStageParameters(text, 'prod', { memory: 512 })).toThrow(message);
  });
});
