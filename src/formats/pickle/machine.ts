import { type Budget, COSTS } from './budget.ts';
import type { ByteReader } from './byte-reader.ts';
import { refuse } from './refuse.ts';
import type { PyValue } from './values.ts';

const NO_VALUE = 'it is damaged: an operation finds no value to work on';

/** The state of a pickle that is being read: its bytes, the stack with its marks, and the memo. */
export class Machine {
  readonly reader: ByteReader;
  readonly budget: Budget;
  /** Reads a pickle inside this one, with a stack and a memo of its own; undefined inside such a pickle. */
  readonly readNested: (() => PyValue) | undefined;
  /** The values above the last mark. */
  #stack: PyValue[] = [];
  /** The values below each mark. */
  readonly #marked: PyValue[][] = [];
  readonly #memo = new Map<number, PyValue>();
  isEnded = false;

  constructor(reader: ByteReader, budget: Budget, readNested?: () => PyValue) {
    this.reader = reader;
    this.budget = budget;
    this.readNested = readNested;
  }

  push(value: PyValue, bytes = 0): void {
    this.budget.spend(COSTS.slot + bytes);
    this.#stack.push(value);
  }

  pop(): PyValue {
    const value = this.#stack.pop();
    return value === undefined ? refuse(NO_VALUE) : value;
  }

  top(): PyValue {
    const value = this.#stack.at(-1);
    return value === undefined ? refuse(NO_VALUE) : value;
  }

  mark(): void {
    this.budget.spend(COSTS.object);
    this.#marked.push(this.#stack);
    this.#stack = [];
  }

  /** Takes the values above the last mark, and the mark. */
  popToMark(): PyValue[] {
    const values = this.#stack;
    this.#stack = this.#marked.pop() ?? refuse('it is damaged: the mark of a list is missing');
    return values;
  }

  /** Drops a value, or a mark that has none above it. */
  drop(): void {
    if (this.#stack.length > 0) this.#stack.pop();
    else this.popToMark();
  }

  /** Notes the value on top of the stack under a number; by default the count of those noted. */
  remember(number = this.#memo.size): void {
    this.budget.spend(COSTS.entry);
    this.#memo.set(number, this.top());
  }

  recall(number: number): void {
    const value = this.#memo.get(number);
    this.push(
      value === undefined ? refuse(`it is damaged: it refers to value ${number}, which it does not have`) : value,
    );
  }
}
