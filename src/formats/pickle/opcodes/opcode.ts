import type { Machine } from '../machine.ts';

/** Applies an opcode. https://github.com/python/cpython/blob/3.14/Lib/pickletools.py describes them all. */
export type Opcode = (machine: Machine) => void;

/** Opcodes by their byte. */
export type Opcodes = Readonly<Record<number, Opcode>>;
