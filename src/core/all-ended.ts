/** Waits until every promise has ended, then throws the first failure in their order. `Promise.all` leaves the others running when one fails. */
export const allEnded = async <T>(running: Iterable<Promise<T>>): Promise<T[]> => {
  const outcomes = await Promise.allSettled(running);
  return outcomes.map((outcome) => {
    if (outcome.status === 'rejected') throw outcome.reason;
    return outcome.value;
  });
};
