import { refuse } from '../../refuse.ts';
import { COSTS } from '../budget.ts';
import type { Machine } from '../machine.ts';
import { PyObject, PyTuple, type PyValue } from '../values.ts';
import type { Opcodes } from './opcode.ts';

/** An object keeps them as its elements. */
const append = ({ budget }: Machine, target: PyValue, values: readonly PyValue[]): void => {
  budget.spend(COSTS.slot * values.length);
  if (target instanceof PyObject) target.elements ??= [];
  const list = target instanceof PyObject ? target.elements : target;
  if (!Array.isArray(list)) refuse('it is damaged: it appends to something that is no list');
  for (const value of values) list.push(value);
};

const addAll = (machine: Machine, target: PyValue, values: readonly PyValue[]): void => {
  machine.budget.spend(COSTS.entry * values.length);
  if (target instanceof Set) for (const value of values) target.add(value);
  else append(machine, target, values);
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

const pushList = (machine: Machine, items: PyValue[]): void =>
  machine.push(items, COSTS.object + COSTS.slot * items.length);

const pushTuple = (machine: Machine, items: readonly PyValue[]): void =>
  machine.push(new PyTuple(items), COSTS.object + COSTS.slot * items.length);

/** Takes so many values, the topmost last. */
const take = (machine: Machine, length: number): PyValue[] => Array.from({ length }, () => machine.pop()).reverse();

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
  41: (machine) => pushTuple(machine, []), // EMPTY_TUPLE
  93: (machine) => pushList(machine, []), // EMPTY_LIST
  97: (machine) => {
    const value = machine.pop();
    append(machine, machine.top(), [value]);
  }, // APPEND
  100: (machine) => pushDict(machine, machine.popToMark()), // DICT
  101: (machine) => {
    const values = machine.popToMark();
    append(machine, machine.top(), values);
  }, // APPENDS
  108: (machine) => pushList(machine, machine.popToMark()), // LIST
  115: (machine) => {
    const [value, key] = [machine.pop(), machine.pop()];
    setEntries(machine, machine.top(), [key, value]);
  }, // SETITEM
  116: (machine) => pushTuple(machine, machine.popToMark()), // TUPLE
  117: (machine) => {
    const values = machine.popToMark();
    setEntries(machine, machine.top(), values);
  }, // SETITEMS
  125: (machine) => pushDict(machine, []), // EMPTY_DICT
  133: (machine) => pushTuple(machine, take(machine, 1)), // TUPLE1
  134: (machine) => pushTuple(machine, take(machine, 2)), // TUPLE2
  135: (machine) => pushTuple(machine, take(machine, 3)), // TUPLE3
  143: (machine) => pushSet(machine, []), // EMPTY_SET
  144: (machine) => {
    const values = machine.popToMark();
    addAll(machine, machine.top(), values);
  }, // ADDITEMS
  145: (machine) => pushSet(machine, machine.popToMark()), // FROZENSET
};
