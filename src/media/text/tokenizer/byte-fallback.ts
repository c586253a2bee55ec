/** The tokens `<0x00>`…`<0xFF>` of the UTF-8 bytes of `text`; undefined for a vocabulary that lacks one of them. */
export const byteTokens = (text: string, ids: ReadonlyMap<string, number>): number[] | undefined => {
  const tokens: number[] = [];
  for (const byte of Buffer.from(text)) {
    const id = ids.get(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
    if (id === undefined) return undefined;
    tokens.push(id);
  }
  return tokens;
};
