import { fields } from './protobuf.ts';
import { ENTRY } from './schema.ts';

/** An entry of a map of texts. */
export const readEntry = (entry: Buffer): [key: string, value: string] => {
  const texts = new Map([...fields(entry)].map(({ number, value }) => [number, value.toString()]));
  return [texts.get(ENTRY.key) ?? '', texts.get(ENTRY.value) ?? ''];
};
