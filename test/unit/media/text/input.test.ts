import { describe, expect, it } from '@jest/globals';
import { MAX_CHARACTERS, MAX_TEXTS, toTextInputs, toTexts } from '../../../../src/media/text/input.ts';

const payload = (inputs: unknown, contentType?: string) => ({
  inputs,
  ...(contentType !== undefined && { contentType }),
  parameters: {},
});

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

describe('texts of a payload', () => {
  it('are one text, or a list', () => {
    expect(toTexts(payload('hello'))).toEqual({ texts: ['hello'], isList: false });
    expect(toTexts(payload(['a', '', '😀']))).toEqual({ texts: ['a', '', '😀'], isList: true });
  });

  it('are a raw body, without byte-order mark and last line break', () => {
    expect(toTexts(payload(utf8('\ufeffhé\nllo\r\n'), 'text/plain'))).toEqual({ texts: ['hé\nllo'], isList: false });
    expect(toTexts(payload(utf8('x'), 'application/octet-stream')).texts).toEqual(['x']);
  });

  it.each([
    ['an empty list', [], 'INVALID_INPUT', /empty list/],
    ['a number in the list', ['a', 5], 'INVALID_INPUT', /inputs\[1\] is 5/],
    ['nothing', undefined, 'INVALID_INPUT', /"inputs" is undefined/],
    ['an object', { text: 'a' }, 'INVALID_INPUT', /expected a text/],
    ['a list in a list', [['a']], 'INVALID_INPUT', /inputs\[0\]/],
    ['a lone surrogate', ['a', 'b\ud83d'], 'INVALID_INPUT', /inputs\[1\] has a lone surrogate/],
    [
      'more combining marks than any text has',
      ['a', `e${'\u0301'.repeat(257)}`],
      'INVALID_INPUT',
      /inputs\[1\] has 257 combining marks/,
    ],
    ['more texts than are taken', new Array(MAX_TEXTS + 1).fill('a'), 'PAYLOAD_TOO_LARGE', /1001 texts/],
    ['too long a text', 'a'.repeat(MAX_CHARACTERS + 1), 'PAYLOAD_TOO_LARGE', /1048577 characters/],
    ['too long texts together', ['a'.repeat(MAX_CHARACTERS), 'b'], 'PAYLOAD_TOO_LARGE', /1048577 characters/],
    ['too many bytes', new Uint8Array(3 * MAX_CHARACTERS + 1), 'PAYLOAD_TOO_LARGE', /3145729 bytes/],
    ['bytes that are no UTF-8', Uint8Array.of(0x61, 0xff), 'INVALID_INPUT', /not UTF-8/],
    ['UTF-8 of half a character', Uint8Array.of(0xed, 0xa0, 0x80), 'INVALID_INPUT', /not UTF-8/],
  ])('are not %s', (_, inputs, code, message) => {
    expect(() => toTexts(payload(inputs))).toThrow(
      expect.objectContaining({ code, message: expect.stringMatching(message) }),
    );
  });

  it.each(['text/csv', 'image/png', 'application/x-www-form-urlencoded'])(
    'are not a body of type %s',
    (contentType) => {
      expect(() => toTexts(payload(utf8('a'), contentType))).toThrow(
        expect.objectContaining({ code: 'UNSUPPORTED_MEDIA_TYPE' }),
      );
    },
  );
});

describe('texts and pairs of a payload', () => {
  it('may stand side by side', () => {
    expect(toTextInputs(payload(['a', { text: 'b', text_pair: 'c' }, { text: 'd' }]))).toEqual({
      inputs: [{ text: 'a' }, { text: 'b', pair: 'c' }, { text: 'd' }],
      isList: true,
    });
    expect(toTextInputs(payload({ text: 'b', text_pair: 'c' }))).toEqual({
      inputs: [{ text: 'b', pair: 'c' }],
      isList: false,
    });
  });

  it.each([
    [{ text: 1 }, /"text" of "inputs" is 1/],
    [[{ text: 'a', text_pair: null }], /"text_pair" of inputs\[0\] is null/],
    [[{ text: 'a', pair: 'b' }], /inputs\[0\] has a field "pair"/],
    [{}, /"text" of "inputs" is undefined/],
    [{ text: '\udc00' }, /lone surrogate/],
  ])('are not %j', (inputs, message) => {
    expect(() => toTextInputs(payload(inputs))).toThrow(
      expect.objectContaining({ code: 'INVALID_INPUT', message: expect.stringMatching(message) }),
    );
  });

  it('count pairs among the characters', () => {
    const half = 'a'.repeat(MAX_CHARACTERS / 2 + 1);
    expect(() => toTextInputs(payload({ text: half, text_pair: half }))).toThrow(
      expect.objectContaining({ code: 'PAYLOAD_TOO_LARGE' }),
    );
  });
});
