/** As `Promise.all`, which leaves the others running when one fails: this waits until every one has ended, and throws the first failure in their order. */
export const allEnded = async <T>(running: Iterable<Promise<T>>): Promise<T[]> => {
  const outcomes = await Promise.allSettled(running);
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
};
