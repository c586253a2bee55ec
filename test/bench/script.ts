/** Makes a module of `scripts/` do `work` for the input that the bench sends, and send back what comes of it. */
export const script = <Input, Result>(work: (input: Input) => Promise<Result>): void => {
  process.once('message', async (input: Input) => {
    process.send?.(await work(input));
    process.disconnect();
  });
};
