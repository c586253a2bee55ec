import { elementCount } from '../../core/tensor.ts';

/** A class or a function that a pickle names. It is data: nothing of that name is ever looked up or called. */
export class PyClass {
  readonly module: string;
  readonly name: string;

  constructor(module: string, name: string) {
    this.module = module;
    this.name = name;
  }

  get path(): string {
    return `${this.module}.${this.name}`;
  }
}

/** An instance of a class, with the arguments of its constructor and its state as they stand in the file. */
export class PyObject {
  readonly type: PyClass;
  readonly args: readonly PyValue[];
  /** `__dict__`, by name; whatever `__setstate__` would get otherwise. */
  state: PyValue = null;
  /** The entries of an instance of a subclass of dict. */
  entries?: Map<PyValue, PyValue>;
  /** The elements of an instance of a subclass of list or set. */
  elements?: PyValue[];

  constructor(type: PyClass, args: readonly PyValue[] = []) {
    this.type = type;
    this.args = args;
  }
}

/** A tuple; a list of Python is an array. */
export class PyTuple {
  readonly items: readonly PyValue[];

  constructor(items: readonly PyValue[]) {
    this.items = items;
  }
}

/** The type of the elements of an array. https://numpy.org/doc/stable/reference/arrays.dtypes.html */
export interface NumpyType {
  /** Kind and bytes, such as `f8`, `i4`, `U12`, `O`; `V` for a record. */
  readonly kind: string;
  readonly bytes: number;
  readonly isBigEndian: boolean;
  /** The fields of a record, by name. */
  readonly fields?: ReadonlyMap<string, { readonly type: NumpyType; readonly offset: number }>;
}

/** An array of numpy. */
export interface NumpyArray {
  readonly isArray: true;
  readonly type: NumpyType;
  readonly shape: readonly number[];
  /** True for the order of Fortran: the first index changes first. */
  readonly isFortran: boolean;
  /** The elements; a list for the kind `O`. */
  readonly content: Uint8Array | readonly PyValue[];
}

/** A value of Python as inert data. A dict is a `Map`, a set a `Set`, bytes a `Uint8Array`. An integer beyond 2^53 is a bigint. */
export type PyValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Uint8Array
  | PyValue[]
  | PyTuple
  | Map<PyValue, PyValue>
  | Set<PyValue>
  | NumpyArray
  | PyClass
  | PyObject;

export const isNumpyArray = (value: PyValue | undefined): value is NumpyArray =>
  typeof value === 'object' && value !== null && 'isArray' in value;

export const sizeOfArray = ({ shape }: NumpyArray): number => elementCount(shape);
