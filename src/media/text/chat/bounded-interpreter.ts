import { type Environment, Interpreter, type Node, type Value } from '@huggingface/jinja';
import { ServingError } from '../../../core/errors.ts';
import { isObject } from '../../../core/is-object.ts';
import { PYTHON_TEXT } from './python-text.ts';

/** Bounds of a run of a template, which is foreign code. */
const MOST_MS = 2_000;
const MOST_CHARACTERS = 4_194_304;
const MOST_ELEMENTS = 10_000;
/** Values within a list, also those of lists in it. */
const MOST_PARTS = 1_048_576;
const MOST_LEVELS = 400;

/** The texts that Python and Jinja make of values without one. */
const TEXT_OF_NOTHING: Readonly<Record<string, string>> = { NullValue: 'None', UndefinedValue: '' };

const tooMuch = (what: string): never => {
  throw new ServingError('MODEL_INVALID', `the chat template ${what}`);
};

/** `range` of Python, as long as a list may be. */
export const boundedRange = (first: number, stop?: number, step = 1): number[] => {
  const [from, to] = stop === undefined ? [0, first] : [first, stop];
  const length = Math.max(0, Math.ceil((to - from) / step));
  if (!(length <= MOST_ELEMENTS)) tooMuch(`makes a range of ${length} numbers, at most ${MOST_ELEMENTS} are allowed`);
  return Array.from({ length }, (_, index) => from + index * step);
};

const assertSize = ({ value }: Value): void => {
  if (typeof value === 'string' && value.length > MOST_CHARACTERS)
    tooMuch(`makes a text of ${value.length} characters, at most ${MOST_CHARACTERS} are allowed`);
  if (Array.isArray(value) && value.length > MOST_ELEMENTS)
    tooMuch(`makes a list of ${value.length} elements, at most ${MOST_ELEMENTS} are allowed`);
};

const isValue = (part: unknown): part is Value => isObject(part) && typeof part.type === 'string';

/** An object that `namespace(…)` made: a template may set its fields later, which it may do with no other value. */
const CHANGEABLE = 'NamespaceValue';

/** Counts the values in a value, as its text repeats them: a list that holds another one twice has all values of that one twice. */
const createPartCount = (): ((value: Value) => number) => {
  const known = new WeakMap<object, number>();
  let changeable = 0;
  const count = ({ type, value }: Value): number => {
    if (!Array.isArray(value) && !(value instanceof Map)) return 1;
    const parts = known.get(value);
    if (parts !== undefined) return parts;
    const before = changeable;
    if (type === CHANGEABLE) changeable += 1;
    let sum = 1;
    for (const part of value.values()) {
      if (isValue(part)) sum += count(part);
      if (sum > MOST_PARTS) break;
    }
    if (changeable === before) known.set(value, sum);
    return sum;
  };
  return count;
};

interface TextCall {
  readonly name: string;
  readonly operand: Node;
  readonly args: readonly Node[];
}

const isNode = (value: unknown): value is Node => isObject(value) && typeof value.type === 'string';
const nameOf = (value: unknown): string => (isObject(value) && typeof value.value === 'string' ? value.value : '');

/** `text.strip(…)`, or `text | trim(…)`. */
const toTextCall = (node: Node): TextCall | undefined => {
  const parts: Readonly<Record<string, unknown>> = { ...node };
  const { callee, args = [], operand, filter } = parts;
  if (node.type === 'CallExpression' && isObject(callee) && isNode(callee.object) && callee.computed !== true)
    return toKnownCall(nameOf(callee.property), callee.object, args);
  if (node.type !== 'FilterExpression' || !isNode(operand) || !isObject(filter)) return undefined;
  return toKnownCall(nameOf(filter.callee ?? filter), operand, filter.args ?? []);
};

const toKnownCall = (name: string, operand: Node, args: unknown): TextCall | undefined =>
  Object.hasOwn(PYTHON_TEXT, name) && Array.isArray(args) && args.length <= 1 && args.every(isNode)
    ? { name, operand, args }
    : undefined;

/** Runs a template within bounds of time, size and depth, with Python's way to strip texts. */
export class BoundedInterpreter extends Interpreter {
  readonly #endMs = performance.now() + MOST_MS;
  #levels = 0;
  readonly #countParts = createPartCount();

  override evaluate(node: Node | undefined, scope: Environment): Value {
    if (performance.now() > this.#endMs) tooMuch(`takes longer than ${MOST_MS / 1000} s`);
    if (this.#levels >= MOST_LEVELS) tooMuch(`is nested deeper than ${MOST_LEVELS} levels`);
    this.#levels += 1;
    try {
      const value = this.#strip(node, scope) ?? super.evaluate(node, scope);
      assertSize(value);
      if (this.#countParts(value) > MOST_PARTS) tooMuch(`makes lists of more than ${MOST_PARTS} values in all`);
      return value;
    } finally {
      this.#levels -= 1;
    }
  }

  #strip(node: Node | undefined, scope: Environment): Value | undefined {
    const call = node && toTextCall(node);
    const method = call && PYTHON_TEXT[call.name];
    if (call === undefined || method === undefined) return undefined;
    const { type, value } = this.evaluate(call.operand, scope);
    const [characters] = call.args.map((argument) => this.evaluate(argument, scope).value);
    const text = TEXT_OF_NOTHING[type] ?? value;
    if (typeof text !== 'string' || (characters !== undefined && typeof characters !== 'string'))
      throw new TypeError(`${call.name} takes a text`);
    const literal = { type: 'StringLiteral', value: method(text, characters) };
    return super.evaluate(literal, scope);
  }
}
