import { describe, expect, it } from '@jest/globals';
import { parseStackTags } from '../../../layers/stack-tags.ts';

describe('the tags of a stack', () => {
  it('are names with values, and none by default', () => {
    expect(parseStackTags('')).toEqual({});
    expect(parseStackTags('team=vision, project=7,query=a=b')).toEqual({ team: 'vision', project: '7', query: 'a=b' });
  });

  it.each(['team', '=vision', 'team=', 'a=1,aws:b=2'])('are refused when one of them is none: %s', (text) => {
    expect(() => parseStackTags(text)).toThrow(/the parameter tags has ".*", expected <name>=<value>/);
  });

  const longest = `${'n'.repeat(128)}=${'v'.repeat(256)}`;
  const fifty = Array.from({ length: 50 }, (_, index) => `n${index}=v`).join(',');
  it('are refused beyond the limits of CloudFormation', () => {
    expect(Object.keys(parseStackTags(fifty))).toHaveLength(50);
    expect(() => parseStackTags(longest)).not.toThrow();
    for (const [text, problem] of [
      [`${fifty},more=v`, 'expected up to 50 tags'],
      [`n${longest}`, 'expected a name of up to 128 characters and a value of up to 256'],
      [`${longest}v`, 'expected a name of up to 128 characters and a value of up to 256'],
      ['team=a;b', '"team=a;b", expected letters, digits, spaces'],
      ['team=a,team=b', '"team", expected each name once'],
      ['AWS:x=1', 'names that do not begin with aws:'],
    ] as const)
      expect(() => parseStackTags(text)).toThrow(problem);
  });
});
