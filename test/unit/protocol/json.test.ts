import { describe, expect, it } from '@jest/globals';
import { mayHaveLongElement, parseExactJson, parseJsonBody, toExactJson } from '../../../src/protocol/json.ts';

const parse = (text: string) => parseJsonBody(Buffer.from(text));

describe('a JSON body', () => {
  it('keeps integers beyond 2^53 as BigInt, wherever they stand', () => {
    expect(parse('{"a":[9007199254740993,-9223372036854775808],"b":18446744073709551615}')).toEqual({
      a: [9007199254740993n, -9223372036854775808n],
      b: 18446744073709551615n,
    });
  });

  it('keeps other numbers as numbers, also beside long digits', () => {
    const text = '[1, 9007199254740991, 0.12345678901234567, 1e300, 1234567890123456789.5]';

    expect(parse(text)).toEqual(JSON.parse(text));
  });

  it('keeps long integers beside fractions of as many digits', () => {
    expect(parse('[0.1234567890123456, 9007199254740993]')).toEqual([0.1234567890123456, 9007199254740993n]);
    expect(parse('{"a":-9007199254740993}')).toEqual({ a: -9007199254740993n });
    expect(parse('[\n 9007199254740993\n]')).toEqual([9007199254740993n]);
  });

  it('is written again with all digits', () => {
    const text = '{"a":[9007199254740993,-9223372036854775808,1.5],"b":{"c":"9007199254740993"}}';
    expect(toExactJson(parseExactJson(text))).toBe(text);
  });

  it('leaves long digits in strings alone', () => {
    expect(parse('{"id":"99999999999999999999"}')).toEqual({ id: '99999999999999999999' });
  });

  it.each(['INT64', 'UINT64', '\\u0049NT64'])('of tensors keeps the elements of %s', (datatype) => {
    const text = `{"datatype": "${datatype}", "data": [9007199254740993]}`;
    expect(parseJsonBody(text, mayHaveLongElement)).toMatchObject({ data: [9007199254740993n] });
  });

  it.each(['', '{', 'NaN', '[Infinity]', '[01]', "{'a':1}", '[1,]'])('is not %j', (text) => {
    expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'INVALID_REQUEST' }));
  });
});
