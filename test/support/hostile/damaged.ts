import { readdirSync, readFileSync } from 'node:fs';
import { global, pickleOf, text } from '../pickle-assembler.ts';

const FOLDER = 'test/fixtures/formats/pickle';

/** A format and the bytes of a file. */
export type Damaged = readonly [format: 'pickle' | 'skops', bytes: Uint8Array];

const read = (file: string): Damaged => [
  file.endsWith('.skops') ? 'skops' : 'pickle',
  readFileSync(`${FOLDER}/${file}`),
];

/** Real files, cut after every byte. */
export function* truncated(): Generator<Damaged> {
  for (const file of [
    'vectorizer.p2.pkl',
    'vectorizer.p0.pkl',
    'vectorizer.p5.joblib',
    'vectorizer.gzip.joblib',
    'model.pkl',
    'vectorizer.skops',
  ]) {
    const [format, bytes] = read(`scikit-learn-1.9.1/${file}`);
    for (let length = 0; length < bytes.length; length += 1) yield [format, bytes.subarray(0, length)];
  }
}

/** Every opcode behind every kind of value, and behind none; its argument is zeros, or a line. */
export function* opcodes(): Generator<Damaged> {
  const type = global('m', 'A');
  const values = [
    '',
    'N',
    'K\x07',
    ')',
    ']',
    '}',
    '\x8f',
    '(',
    text('text'),
    type,
    pickleOf(type, ')R'),
    pickleOf(type, '('),
    pickleOf('(', type, 'N'),
  ];
  for (let code = 0; code < 256; code += 1)
    for (const value of values)
      for (const argument of ['', '\0\0\0\0\0\0\0\0', 'a\nb\n'])
        yield ['pickle', pickleOf(value, value, code, argument, '.')];
}

/** The random numbers of mulberry32: integers below `below`. */
const randomNumbers = (seed: number) => {
  let state = seed;
  return (below: number): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
};

/** Real files with up to four bytes that differ. */
export function* flipped(count: number): Generator<Damaged> {
  const files = readdirSync(FOLDER).flatMap((library) =>
    readdirSync(`${FOLDER}/${library}`).map((file) => read(`${library}/${file}`)),
  );
  const random = randomNumbers(12);
  for (let index = 0; index < count; index += 1) {
    const [format, original] = files[index % files.length] ?? ['pickle', new Uint8Array()];
    const bytes = Uint8Array.from(original);
    for (let flips = 1 + random(4); flips > 0; flips -= 1) bytes[random(bytes.length)] = random(256);
    yield [format, bytes];
  }
}
