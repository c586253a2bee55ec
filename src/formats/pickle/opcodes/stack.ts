import type { Machine } from '../machine.ts';
import { refuse } from '../refuse.ts';
import type { Opcodes } from './opcode.ts';

const NEWEST_PROTOCOL = 5;

const readProtocol = ({ reader }: Machine): void => {
  const protocol = reader.uint8();
  if (protocol > NEWEST_PROTOCOL)
    refuse(
      `it has pickle protocol ${protocol}, expected 0 to ${NEWEST_PROTOCOL}; save it with protocol=${NEWEST_PROTOCOL}`,
    );
};

const readFrame = ({ reader }: Machine): void => {
  const length = reader.uint64();
  if (length > reader.left)
    refuse(`it was cut short: ${length - reader.left} bytes are missing at its end; copy it again as a binary file`);
};

const readIndex = ({ reader }: Machine): number => {
  const line = reader.line();
  return /^\d{1,15}$/.test(line)
    ? Number(line)
    : refuse(`it is damaged: "${line.slice(0, 20)}" is no place of the memo`);
};

/** Opcodes of the stack, the memo and the file as a whole. */
export const STACK: Opcodes = {
  46: (machine) => {
    machine.isEnded = true;
  }, // STOP
  48: (machine) => machine.drop(), // POP
  49: (machine) => {
    machine.popToMark();
  }, // POP_MARK
  50: (machine) => machine.push(machine.top()), // DUP
  103: (machine) => machine.recall(readIndex(machine)), // GET
  104: (machine) => machine.recall(machine.reader.uint8()), // BINGET
  106: (machine) => machine.recall(machine.reader.uint32()), // LONG_BINGET
  112: (machine) => machine.remember(readIndex(machine)), // PUT
  113: (machine) => machine.remember(machine.reader.uint8()), // BINPUT
  114: (machine) => machine.remember(machine.reader.uint32()), // LONG_BINPUT
  128: readProtocol, // PROTO
  148: (machine) => machine.remember(), // MEMOIZE
  149: readFrame, // FRAME
  151: () => refuse('its arrays lie in buffers outside of the file (NEXT_BUFFER); save it without buffer_callback'), // NEXT_BUFFER
  152: (machine) => {
    machine.top();
  }, // READONLY_BUFFER
};
