const BLOCK_BYTES = 256 * 1024;
/** The reader has a block, another waits for it, and bytes are received into the third. */
const BLOCKS = 3;

/** A block that was received, and the bytes of it that count. */
export interface ReceivedBlock {
  readonly block: Buffer;
  readonly bytes: Uint8Array;
}

/** Memory that is received into, block by block, and used again. */
export interface BlockQueue {
  /** The place for the next bytes. */
  target(): Buffer;
  /** So many bytes were received into the target. Returns those that are not handed over yet. */
  add(bytes: number): Buffer;
  /** Leaves out so many of the first bytes that are not handed over yet. */
  skip(bytes: number): void;
  isFull(): boolean;
  /** Queues what has come of the block, and goes on with another one. @throws Error when all are in use: the sender had to wait */
  handOver(): void;
  /** Queues what has come; nothing comes any more. */
  end(): void;
  take(): ReceivedBlock | undefined;
  giveBack(block: Buffer): void;
  /** Tells whether the sender may go on. */
  hasRoom(): boolean;
  /** Tells whether the reader has taken all blocks, and given them back. */
  isReadOut(): boolean;
}

export const createBlockQueue = (): BlockQueue => {
  const memory = Buffer.allocUnsafeSlow(BLOCKS * BLOCK_BYTES);
  const free: Buffer[] = Array.from({ length: BLOCKS }, (_, index) =>
    memory.subarray(index * BLOCK_BYTES, (index + 1) * BLOCK_BYTES),
  );
  const ready: ReceivedBlock[] = [];
  const nextFree = (): Buffer => {
    const next = free.pop();
    if (next === undefined) throw new Error('more bytes came than there is room for');
    return next;
  };
  let block = nextFree();
  let [from, filled] = [0, 0];

  const end = (): void => {
    if (filled > from) ready.push({ block, bytes: block.subarray(from, filled) });
    else free.push(block);
    [from, filled] = [0, 0];
  };

  return {
    target: () => block.subarray(filled),
    add: (bytes) => {
      filled += bytes;
      return block.subarray(from, filled);
    },
    skip: (bytes) => {
      from += bytes;
    },
    isFull: () => filled === BLOCK_BYTES,
    handOver: () => {
      end();
      block = nextFree();
    },
    end,
    take: () => ready.shift(),
    giveBack: (block) => {
      free.push(block);
    },
    hasRoom: () => free.length > 0,
    isReadOut: () => free.length === BLOCKS - 1,
  };
};
