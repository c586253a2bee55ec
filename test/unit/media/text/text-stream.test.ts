import { describe, expect, it } from '@jest/globals';
import { createTextStream } from '../../../../src/media/text/text-stream.ts';
import { readKinds } from '../../../support/tokenizer-reference.ts';

const kinds = await readKinds();

describe.each(kinds)('the stream of $name', ({ tokenizer, texts }) => {
  const decode = (ids: readonly number[]): string => tokenizer.decode(ids, { skipSpecialTokens: true, cleanUp: false });

  it('joins to the whole text, and each piece is final', () => {
    for (const { expected } of texts) {
      const stream = createTextStream(tokenizer);
      const whole = decode(expected.ids);
      let text = '';
      let isFinal = true;
      for (const id of expected.ids) {
        text += stream.push(id);
        isFinal &&= whole.startsWith(text);
      }
      expect([isFinal, text + stream.end()]).toEqual([true, whole]);
      expect(stream.end()).toBe('');
    }
  });

  it('goes on after any number of tokens as the whole text does', () => {
    for (const { expected } of texts.filter(({ text }) => text.length < 60)) {
      const ids = expected.ids.filter((id) => !tokenizer.isSpecial(id));
      const whole = decode(ids);
      if (whole.includes('\ufffd')) continue;
      const wrong: string[] = [];
      for (let start = 1; start < ids.length; start += 1) {
        const before = decode(ids.slice(0, start));
        const isWhole = !before.endsWith('\ufffd') && !/^<0x/.test(tokenizer.token(ids[start - 1] ?? 0) ?? '');
        if (!isWhole || before === '') continue; // a context ends with a whole character
        const stream = createTextStream(tokenizer, ids.slice(0, start));
        const rest = ids.slice(start).map(stream.push).join('') + stream.end();
        if (before + rest !== whole) wrong.push(before + rest);
      }
      expect([whole, wrong]).toEqual([whole, []]);
    }
  });
});

describe('a stream', () => {
  const llama = kinds.find(({ name }) => name === 'llama')?.tokenizer;
  if (llama === undefined) throw new Error('there is no tokenizer llama');

  it('holds a character of several bytes back until it is whole', () => {
    const byte = (value: number): number => llama.tokenId(`<0x${value.toString(16).toUpperCase()}>`) ?? -1;
    const stream = createTextStream(llama);
    const pieces = [...Buffer.from('🤖')].map((value) => stream.push(byte(value)));
    expect(pieces).toEqual(['', '', '', '']);
    expect(stream.end()).toBe('🤖');
  });

  it('gives an incomplete character at its end as replacement characters', () => {
    const stream = createTextStream(llama);
    expect(stream.push(llama.tokenId('<0xF0>') ?? -1)).toBe('');
    expect(stream.end()).toBe('\ufffd');
  });

  it('keeps the space between a text and its continuation', () => {
    const [world = 0] = llama.encode('world', { addSpecialTokens: false }).ids;
    const context = llama.encode('hello', { addSpecialTokens: false }).ids;
    expect(createTextStream(llama, context).push(world)).toMatch(/^ /);
    expect(createTextStream(llama).push(world)).not.toMatch(/^ /);
  });

  it('passes over special tokens, and over tokens that there are not', () => {
    const stream = createTextStream(llama);
    expect([stream.push(llama.tokenId('</s>') ?? -1), stream.push(9_999_999), stream.end()]).toEqual(['', '', '']);
  });
});
