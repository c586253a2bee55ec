/** Milliseconds that the loop below takes on the processor that limits of time are written for. */
const USUAL_MS = 250;
const ROUNDS = 100_000_000;

/** How many times slower this processor is now than the one that limits of time are written for: 1 at least. */
export const measureSlowness = (): number => {
  const before = process.cpuUsage();
  let sum = 0;
  for (let round = 1; round <= ROUNDS; round += 1) sum = (sum * 31 + round) % 1_000_003;
  const { user, system } = process.cpuUsage(before);
  if (sum < 0) throw new Error('the sum is a remainder');
  return Math.max(1, (user + system) / 1000 / USUAL_MS);
};
