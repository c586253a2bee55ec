import { refuse } from '../../core/errors.ts';
import { show } from '../../core/show.ts';

/** A part of the document of a model, which names its place when it is not as expected. @throws `MODEL_INVALID` from each reader */
export class Part {
  readonly #value: unknown;
  readonly #path: string;

  constructor(value: unknown, path: string) {
    this.#value = value;
    this.#path = path;
  }

  #expect<T>(value: T | undefined, expected: string): T {
    return value ?? refuse('MODEL_INVALID', `XGBoost: ${this.#path} ${this.#describe()}, expected ${expected}`);
  }

  #describe(): string {
    const value = this.#value;
    if (value === undefined) return 'is missing';
    if (Array.isArray(value) || isTypedArray(value)) return `is a list of ${value.length}`;
    return typeof value === 'object' && value !== null ? 'is an object' : `is ${show(value)}`;
  }

  /** The field of an object; undefined when there is none. */
  find(name: string): Part | undefined {
    const object = this.#object();
    return Object.hasOwn(object, name) ? new Part(Reflect.get(object, name), `${this.#path}.${name}`) : undefined;
  }

  get(name: string): Part {
    return this.find(name) ?? new Part(undefined, `${this.#path}.${name}`);
  }

  #object(): object {
    const value = this.#value;
    return this.#expect(typeof value === 'object' && value !== null ? value : undefined, 'an object');
  }

  items(): readonly Part[] {
    const value: unknown = this.#value;
    const items: readonly unknown[] | undefined = Array.isArray(value) ? value : undefined;
    return this.#expect(items, 'a list').map((item, index) => new Part(item, `${this.#path}[${index}]`));
  }

  text(): string {
    return this.#expect(typeof this.#value === 'string' ? this.#value : undefined, 'a text');
  }

  /** A number, which XGBoost writes as a text in its parameters. */
  number(): number {
    const number = typeof this.#value === 'string' && this.#value !== '' ? Number(this.#value) : this.#value;
    return this.#expect(typeof number === 'number' && !Number.isNaN(number) ? number : undefined, 'a number');
  }

  /** The numbers of a list, of which there are `count`; null, which stands for NaN, is NaN, and True is 1. */
  numbers(count?: number): ArrayLike<number> {
    const value = this.#value;
    const numbers = isTypedArray(value) ? value : Array.isArray(value) ? value.map(toNumber) : undefined;
    const known = numbers !== undefined && (isTypedArray(numbers) || numbers.every(isNumber)) ? numbers : undefined;
    const isWhole = count === undefined || known?.length === count;
    return this.#expect(isWhole ? known : undefined, `${count ?? 'a list of'} numbers`);
  }
}

const isNumber = (value: unknown): value is number => typeof value === 'number';

const isTypedArray = (value: unknown): value is Float32Array =>
  ArrayBuffer.isView(value) && !(value instanceof DataView);

const toNumber = (item: unknown): unknown => {
  if (item === null) return Number.NaN;
  return typeof item === 'boolean' ? Number(item) : item;
};
