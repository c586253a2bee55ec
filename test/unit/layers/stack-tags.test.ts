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
});
