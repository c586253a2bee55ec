const CITIES = ['Köln', 'Athína', '北京', 'Москва', 'São Paulo', 'İzmir', 'Lagos', 'oslo', 'Z', 'a b'];
const RARE = ['Ulm', 'Gent', 'Bari'];
const UNKNOWN = ['Xanadu', 'köln', ' '];

/** mulberry32: numbers from 0 to 1, with 32 bits. */
const generator = (seed: number): (() => number) => {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  };
};

export type TableValue = string | number | boolean | null;

export type TableRow = Readonly<Record<string, TableValue>>;

const makeRow = (uniform: () => number): TableRow => {
  const u = Array.from({ length: 14 }, uniform);
  const at = (index: number): number => u[index] ?? 0;
  const a = Math.trunc(at(0) * 400) / 100;
  const b = 1 / (at(1) + 0.01);
  const c = at(2) + at(3) + at(4) - 1.5;
  const isRare = at(7) >= 0.97;
  const city = (isRare ? RARE[Math.trunc(at(7) * 1000) % 3] : CITIES[Math.trunc(at(6) * at(6) * 10)]) ?? '';
  const grade = Math.trunc(at(8) * at(8) * 6) - 1;
  const unknown = at(9) < 0.1 ? (UNKNOWN[Math.trunc(at(9) * 1000) % 3] ?? '') : city;
  const isMissing = at(13) < 0.1;
  return {
    ...{ a, b, c, d: Math.trunc(at(5) * 10), city, cityu: unknown, grade, gradeu: at(9) < 0.1 ? 17 : grade },
    ...{ am: at(10) < 0.15 ? null : a, bm: at(11) < 0.15 ? null : b, cm: at(12) < 0.15 ? null : c, empty: null },
    ...{ citym: isMissing ? null : city, cityum: isMissing ? null : unknown, gradem: isMissing ? null : grade },
    flag: at(12) < 0.5,
  };
};

/** Rows of tables, the same as those of test/reference/table_rows.py. */
export const makeRows = (seed: number, count: number): readonly TableRow[] => {
  const uniform = generator(seed);
  return Array.from({ length: count }, () => makeRow(uniform));
};
