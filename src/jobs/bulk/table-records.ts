/** A record in the bytes of a table: `start` up to, not including, `end` is its text, and the next one begins at `next`. */
export interface TableRecord {
  readonly end: number;
  readonly next: number;
  /** Lines that it takes. */
  readonly lines: number;
  /** A quotation mark that nothing closes, or text behind a closed one: the record ends with its line. */
  readonly isBroken: boolean;
}

/**
 * Finds the record that begins at `start`.
 * @param isEnd no bytes come behind these
 * @returns undefined when it may go on behind these bytes
 */
export type NextRecord = (bytes: Uint8Array, start: number, isEnd: boolean) => TableRecord | undefined;

/** Most bytes of a record with a quoted cell. A quotation mark that nothing closes would make a record of the rest of a file. */
const MOST_QUOTED_BYTES = 1024 * 1024;

const [QUOTE, COMMA, LF, CR] = [0x22, 0x2c, 0x0a, 0x0d];
/** The byte order mark, which may stand before the first cell. */
const BOM = [0xef, 0xbb, 0xbf];

/** A record that ends with a line end at `end`. */
const endAt = (bytes: Uint8Array, end: number, lines: number, isBroken = false): TableRecord => {
  const isPair = bytes[end] === CR && bytes[end + 1] === LF;
  return { end, next: Math.min(bytes.length, end + (isPair ? 2 : 1)), lines, isBroken };
};

/** The record that is the line from `start` on, whatever its quotation marks say. */
const brokenLine: NextRecord = (bytes, start, isEnd) => {
  let end = start;
  while (end < bytes.length && bytes[end] !== LF && bytes[end] !== CR) end += 1;
  const isWhole = isEnd || end + 1 < bytes.length; // a CR may have its LF behind these bytes
  return isWhole ? endAt(bytes, end, 1, true) : undefined;
};

const [CELL_START, PLAIN, QUOTED, CLOSED] = [0, 1, 2, 3];

/** Records of CSV (RFC 4180), whose quoted cells may have line ends. */
export const nextCsvRecord: NextRecord = (bytes, start, isEnd) => {
  let state = CELL_START;
  let lines = 1;
  const first = BOM.every((byte, place) => bytes[start + place] === byte) ? start + BOM.length : start;
  for (let index = first; index < bytes.length; index += 1) {
    const byte = bytes[index];
    if (state === QUOTED) {
      if (byte === QUOTE) state = CLOSED;
      else if (byte === LF) lines += 1;
      if (index - start > MOST_QUOTED_BYTES) return brokenLine(bytes, start, isEnd);
    } else if (byte === LF || byte === CR) {
      if (byte === CR && index + 1 === bytes.length && !isEnd) return undefined;
      return endAt(bytes, index, lines);
    } else if (byte === COMMA) state = CELL_START;
    else if (byte === QUOTE) state = state === PLAIN ? PLAIN : QUOTED;
    else if (state === CLOSED) return brokenLine(bytes, start, isEnd);
    else state = PLAIN;
  }
  if (!isEnd) return undefined;
  return state === QUOTED ? brokenLine(bytes, start, isEnd) : endAt(bytes, bytes.length, lines);
};

/** Records of JSON Lines. */
export const nextJsonLine: NextRecord = (bytes, start, isEnd) => {
  const found = bytes.indexOf(LF, start);
  if (found < 0 && !isEnd) return undefined;
  const next = found < 0 ? bytes.length : found + 1;
  const lineEnd = found < 0 ? bytes.length : found;
  const end = lineEnd > start && bytes[lineEnd - 1] === CR ? lineEnd - 1 : lineEnd;
  return { end, next, lines: 1, isBroken: false };
};

/** The cells of a record of CSV that is not broken. */
export const splitCells = (text: string): string[] => {
  if (!text.includes('"')) return text.split(',');
  const cells: string[] = [];
  for (let at = 0; ; at += 1) {
    if (text[at] === '"') {
      let close = text.indexOf('"', at + 1);
      while (text[close + 1] === '"') close = text.indexOf('"', close + 2);
      cells.push(text.slice(at + 1, close).replaceAll('""', '"'));
      at = close + 1;
    } else {
      const comma = text.indexOf(',', at);
      cells.push(text.slice(at, comma < 0 ? text.length : comma));
      at = comma < 0 ? text.length : comma;
    }
    if (at >= text.length) return cells;
  }
};
