import { messageOf } from '../../src/core/message-of.ts';

/** Runs a check, which throws when it fails, and prints a line for it. A failure makes the exit code 1. */
export const check = async (name: string, run: () => Promise<void>): Promise<void> => {
  try {
    await run();
    console.log(`ok    ${name}`);
  } catch (error) {
    console.log(`FAIL  ${name}: ${messageOf(error).replaceAll(/\s+/g, ' ').slice(0, 300)}`);
    process.exitCode = 1;
  }
};
