import type { CaptureRecord } from '../../../src/capture/record.ts';
import { isObject } from '../../../src/core/is-object.ts';

/** The types of Glue that hold a field of a record. */
type ColumnType<Field> = [Field] extends [string]
  ? 'string'
  : [Field] extends [number]
    ? 'int' | 'bigint' | 'double'
    : [Field] extends [readonly number[]]
      ? 'array<double>'
      : 'map<string,string>';
type Column = Exclude<keyof CaptureRecord, 'model'>;

/** The columns of the table over the captures: all fields of a record but the model, which is a partition. */
export const CAPTURE_COLUMNS: {
  readonly [Name in Column]-?: ColumnType<NonNullable<CaptureRecord[Name]>>;
} = {
  ...{ id: 'string', row: 'int', rows: 'int', time: 'string', version: 'int', arm: 'string', source: 'string' },
  ...{ status: 'string', latency_ms: 'double', unit: 'string', bytes: 'bigint', type: 'string', sha256: 'string' },
  ...{ input: 'string', input_omitted: 'string', features: 'map<string,string>', label: 'string', score: 'double' },
  ...{ margin: 'double', entropy: 'double', boxes: 'int', length: 'int', value: 'double' },
  projections: 'array<double>',
};

const isNumber = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value);

/** Tells whether Athena reads a value of a record in a column of this type. */
const FITS: Readonly<Record<(typeof CAPTURE_COLUMNS)[Column], (value: unknown) => boolean>> = {
  string: (value) => typeof value === 'string',
  int: (value) => isNumber(value) && (value | 0) === value,
  bigint: (value) => Number.isSafeInteger(value),
  double: isNumber,
  'array<double>': (value) => Array.isArray(value) && value.every(isNumber),
  'map<string,string>': (value) =>
    isObject(value) &&
    Object.values(value).every((each) => each === null || typeof each === 'string' || isNumber(each)),
};

const isColumn = (name: string): name is Column => Object.hasOwn(CAPTURE_COLUMNS, name);

/** Names of the fields of a record that have no column, or one of another type. */
export const misfitsOf = (record: CaptureRecord): string[] =>
  Object.entries(record)
    .filter(([name, value]) => name !== 'model' && !(isColumn(name) && FITS[CAPTURE_COLUMNS[name]](value)))
    .map(([name]) => name);
