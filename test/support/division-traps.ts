/** Whether an integer division without a quotient, the smallest integer by -1, ends the process. On arm64 it gives the smallest integer again. */
export const DIVISION_TRAPS = process.arch === 'x64';

if (!DIVISION_TRAPS)
  process.stderr.write(
    `Skipped: the tests of a crash need a division that traps, as x64 has it, and this is ${process.arch}.\n`,
  );
