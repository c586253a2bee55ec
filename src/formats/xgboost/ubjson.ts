import { refuse } from '../../core/errors.ts';

/** Numbers of a document: a typed array where the file has one. */
type Numbers = Float32Array | Float64Array | Int8Array | Int16Array | Int32Array | Uint8Array;

interface NumberType {
  readonly bytes: number;
  readonly read: (view: DataView, offset: number) => number;
  readonly allocate: (count: number) => Numbers;
}

/** By marker; numbers are big-endian. An integer beyond 2^53 loses digits. https://ubjson.org/type-reference/ */
const NUMBERS: Readonly<Record<string, NumberType>> = {
  i: { bytes: 1, read: (view, at) => view.getInt8(at), allocate: (count) => new Int8Array(count) },
  U: { bytes: 1, read: (view, at) => view.getUint8(at), allocate: (count) => new Uint8Array(count) },
  I: { bytes: 2, read: (view, at) => view.getInt16(at), allocate: (count) => new Int16Array(count) },
  l: { bytes: 4, read: (view, at) => view.getInt32(at), allocate: (count) => new Int32Array(count) },
  L: { bytes: 8, read: (view, at) => Number(view.getBigInt64(at)), allocate: (count) => new Float64Array(count) },
  d: { bytes: 4, read: (view, at) => view.getFloat32(at), allocate: (count) => new Float32Array(count) },
  D: { bytes: 8, read: (view, at) => view.getFloat64(at), allocate: (count) => new Float64Array(count) },
};

/** Values outside arrays of numbers; a model of 100,000 trees has 3 million. */
const MOST_VALUES = 20_000_000;

/** Objects and arrays within each other; XGBoost writes nine. */
const DEEPEST = 64;

const fail = (problem: string): never =>
  refuse(
    'MODEL_INVALID',
    `the UBJSON file of XGBoost is damaged: ${problem}: save it again, booster.save_model("x.ubj")`,
  );

class Reader {
  readonly #bytes: Buffer;
  readonly #view: DataView;
  #at = 0;
  #values = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The place of the next `count` bytes, which are passed over. A length that the file lacks is refused before anything is allocated. */
  #take(count: number): number {
    const start = this.#at;
    if (!Number.isInteger(count) || count < 0 || count > this.#bytes.length - start)
      fail(`${count} bytes at ${start} of ${this.#bytes.length}`);
    this.#at += count;
    return start;
  }

  #marker(): string {
    return String.fromCharCode(this.#bytes[this.#take(1)] ?? 0);
  }

  /** Passes over `marker` where it comes next. */
  #skip(marker: string): boolean {
    const isNext = this.#bytes[this.#at] === marker.charCodeAt(0);
    if (isNext) this.#at += 1;
    return isNext;
  }

  #number(marker: string): number {
    const type = NUMBERS[marker] ?? fail(`the marker ${JSON.stringify(marker)} at ${this.#at - 1}`);
    return type.read(this.#view, this.#take(type.bytes));
  }

  #size(): number {
    return this.#number(this.#marker());
  }

  #text(): string {
    const size = this.#size();
    const start = this.#take(size);
    return this.#bytes.toString('utf8', start, start + size);
  }

  value(depth: number): unknown {
    this.#values += 1;
    if (this.#values > MOST_VALUES) fail(`more than ${MOST_VALUES} values`);
    const marker = this.#marker();
    switch (marker) {
      case '{':
        return this.#object(depth);
      case '[':
        return this.#array(depth);
      case 'S':
        return this.#text();
      case 'C':
        return this.#marker();
      case 'T':
      case 'F':
        return marker === 'T';
      case 'Z':
        return null;
      default:
        return this.#number(marker);
    }
  }

  /** Calls `add` for each element: as many as the file says, or up to the end marker. An element has a byte at least. */
  #each(end: string, depth: number, add: () => void): void {
    if (depth >= DEEPEST) fail(`more than ${DEEPEST} levels`);
    if (!this.#skip('#')) {
      while (!this.#skip(end)) add();
      return;
    }
    const count = this.#size();
    if (count > this.#bytes.length - this.#at) fail(`${count} elements at ${this.#at}`);
    for (let index = 0; index < count; index += 1) add();
  }

  #object(depth: number): unknown {
    const entries: [string, unknown][] = [];
    this.#each('}', depth, () => {
      entries.push([this.#text(), this.value(depth + 1)]);
    });
    return Object.fromEntries(entries);
  }

  #array(depth: number): unknown {
    if (this.#skip('$')) return this.#numbers();
    const items: unknown[] = [];
    this.#each(']', depth, () => {
      items.push(this.value(depth + 1));
    });
    return items;
  }

  #numbers(): Numbers {
    const marker = this.#marker();
    const type = NUMBERS[marker] ?? fail(`an array of the type ${JSON.stringify(marker)}`);
    if (!this.#skip('#')) fail(`an array without its length at ${this.#at}`);
    const count = this.#size();
    const start = this.#take(count * type.bytes);
    const numbers = type.allocate(count);
    for (let index = 0; index < count; index += 1) numbers[index] = type.read(this.#view, start + index * type.bytes);
    return numbers;
  }
}

/** The document of a UBJSON file, as `JSON.parse` gives it; arrays of one type of number are typed arrays. @throws `MODEL_INVALID` */
export const parseUbjson = (bytes: Buffer): unknown => new Reader(bytes).value(0);
