import { COSTS } from '../budget.ts';
import { construct } from '../constructors.ts';
import { buildJoblibArray, JoblibArray } from '../joblib-array.ts';
import type { Machine } from '../machine.ts';
import { buildArray, PickledArray } from '../pickled-array.ts';
import { refuse } from '../refuse.ts';
import { PyClass, PyObject, PyTuple, type PyValue } from '../values.ts';
import type { Opcodes } from './opcode.ts';

const PYTORCH =
  'it is a model of PyTorch, whose pickles hold programs; export it with torch.onnx.export(model, example, "model.onnx") and push that';

const pushClass = (machine: Machine, module: PyValue, name: PyValue): void => {
  if (typeof module !== 'string' || typeof name !== 'string') refuse('it is damaged: the name of a class is no text');
  if (/^torch([.]|$)/.test(module)) refuse(PYTORCH);
  machine.push(new PyClass(module, name), COSTS.object);
};

const toArgs = (args: PyValue): readonly PyValue[] =>
  args instanceof PyTuple ? args.items : refuse('it is damaged: the arguments of a class are no tuple');

/** The result of a call; what an inert object would return is one as well, which has that object as its first argument. */
const resultOf = ({ budget }: Machine, callee: PyValue | undefined, args: readonly PyValue[]): PyValue => {
  budget.spend(COSTS.object + COSTS.slot * args.length);
  if (callee instanceof PyClass) return construct(callee, args, budget);
  if (callee instanceof PyObject) return new PyObject(callee.type, [callee, ...args]);
  return refuse('it is damaged: it calls a value that is neither class nor function');
};

const call = (machine: Machine, callee: PyValue | undefined, args: readonly PyValue[]): void =>
  machine.push(resultOf(machine, callee, args));

/** The state of an object: a tuple (`__dict__`, slots) becomes one dict, anything else stays as it is. */
const mergeState = ({ budget }: Machine, state: PyValue): PyValue => {
  if (!(state instanceof PyTuple) || state.items.length !== 2) return state;
  const [attributes, slots] = state.items;
  if (!(slots instanceof Map) || !(attributes instanceof Map || attributes === null)) return state;
  budget.spend(COSTS.table + COSTS.entry * ((attributes?.size ?? 0) + slots.size));
  return new Map([...(attributes ?? []), ...slots]);
};

/** Gives an object its state. Dicts, lists and sets of subclasses lose theirs. */
const build = (machine: Machine, target: PyValue, state: PyValue): void => {
  if (target instanceof PyObject) target.state = mergeState(machine, state);
  else if (target instanceof JoblibArray) buildJoblibArray(target, state, machine);
  else if (target instanceof PickledArray) buildArray(target, state, machine.budget);
  else if (typeof target !== 'object' || target === null || target instanceof PyTuple)
    refuse('it is damaged: it gives a state to a value that has none');
};

const refuseExtension = (): never =>
  refuse(
    'it names its classes by numbers of copyreg.add_extension, which only its program knows; save it without them',
  );

/** Opcodes of classes, functions, objects and their state. */
export const OBJECTS: Opcodes = {
  80: () => refuse(PYTORCH), // PERSID
  81: () => refuse(PYTORCH), // BINPERSID
  82: (machine) => {
    const args = toArgs(machine.pop());
    call(machine, machine.pop(), args);
  }, // REDUCE
  98: (machine) => {
    const state = machine.pop();
    build(machine, machine.top(), state);
  }, // BUILD
  99: (machine) => pushClass(machine, machine.reader.line(), machine.reader.line()), // GLOBAL
  105: (machine) => {
    pushClass(machine, machine.reader.line(), machine.reader.line());
    const type = machine.pop();
    call(machine, type, machine.popToMark());
  }, // INST
  111: (machine) => {
    const [type, ...args] = machine.popToMark();
    call(machine, type, args);
  }, // OBJ
  129: (machine) => {
    const args = toArgs(machine.pop());
    call(machine, machine.pop(), args);
  }, // NEWOBJ
  130: refuseExtension, // EXT1
  131: refuseExtension, // EXT2
  132: refuseExtension, // EXT4
  146: (machine) => {
    machine.drop(); // keywords, which no converter asks for
    const args = toArgs(machine.pop());
    call(machine, machine.pop(), args);
  }, // NEWOBJ_EX
  147: (machine) => {
    const name = machine.pop();
    pushClass(machine, machine.pop(), name);
  }, // STACK_GLOBAL
};
