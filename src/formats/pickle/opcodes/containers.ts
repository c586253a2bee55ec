import { COSTS } from '../budget.ts';
import type { Machine } from '../machine.ts';
import { refuse } from '../refuse.ts';
import { PyObject, PyTuple, type PyValue } from '../values.ts';
import type { Opcodes } from './opcode.ts';

/** An object keeps them as its elements. */
const append = (target: PyValue, values: readonly PyValue[]): void => {
  if (target instanceof PyObject) target.elements ??= [];
  const list = target instanceof PyObject ? target.elements : target;
  if (!Array.isArray(list)) refuse('it is damaged: it appends to something that is no list');
  for (const value of values) list.push(value);
};

const addAll = (target: PyValue, values: readonly PyValue[]): void => {
  if (target instanceof Set) for (const value of values) target.add(value);
  else append(target, values);
};

/** Sets entries from keys and values in turn. An object keeps them as its entries. */
const setEntries = ({ budget }: Machine, target: PyValue, values: readonly PyValue[]): void => {
  if (target instanceof PyObject) target.entries ??= new Map();
  const dict = target instanceof PyObject ? target.entries : target;
  if (!(dict instanceof Map)) refuse('it is damaged: it sets entries of something that is no dict');
  budget.spend((COSTS.entry * values.length) / 2);
  for (let index = 0; index < values.length; index += 2) {
    const [key, value] = [values[index], values[index + 1]];
    if (key === undefined || value === undefined) refuse('it is damaged: an entry of a dict has no value');
    dict.set(key, value);
  }
};

const pushTuple = (machine: Machine, length: number): void => {
  const items = Array.from({ length }, () => machine.pop());
  machine.push(new PyTuple(items.reverse()), COSTS.object + COSTS.slot * length);
};

const pushDict = (machine: Machine, values: readonly PyValue[]): void => {
  const dict = new Map<PyValue, PyValue>();
  setEntries(machine, dict, values);
  machine.push(dict, COSTS.table);
};

const pushSet = (machine: Machine, values: readonly PyValue[]): void =>
  machine.push(new Set(values), COSTS.table + COSTS.entry * values.length);

/** Opcodes of tuples, lists, dicts and sets. */
export const CONTAINERS: Opcodes = {
  40: (machine) => machine.mark(), // MARK
  41: (machine) => pushTuple(machine, 0), // EMPTY_TUPLE
  93: (machine) => machine.push([], COSTS.object), // EMPTY_LIST
  97: (machine) => {
    const value = machine.pop();
    append(machine.top(), [value]);
  }, // APPEND
  100: (machine) => pushDict(machine, machine.popToMark()), // DICT
  101: (machine) => {
    const values = machine.popToMark();
    append(machine.top(), values);
  }, // APPENDS
  108: (machine) => machine.push(machine.popToMark(), COSTS.object), // LIST
  115: (machine) => {
    const [value, key] = [machine.pop(), machine.pop()];
    setEntries(machine, machine.top(), [key, value]);
  }, // SETITEM
  116: (machine) => machine.push(new PyTuple(machine.popToMark()), COSTS.object), // TUPLE
  117: (machine) => {
    const values = machine.popToMark();
    setEntries(machine, machine.top(), values);
  }, // SETITEMS
  125: (machine) => pushDict(machine, []), // EMPTY_DICT
  133: (machine) => pushTuple(machine, 1), // TUPLE1
  134: (machine) => pushTuple(machine, 2), // TUPLE2
  135: (machine) => pushTuple(machine, 3), // TUPLE3
  143: (machine) => pushSet(machine, []), // EMPTY_SET
  144: (machine) => {
    const values = machine.popToMark();
    addAll(machine.top(), values);
  }, // ADDITEMS
  145: (machine) => pushSet(machine, machine.popToMark()), // FROZENSET
};
