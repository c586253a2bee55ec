/** The element at a valid `index`. @throws RangeError for an index beyond the list */
export const element = <T extends {}>(list: readonly T[], index: number): T => {
  const found = list[index];
  if (found === undefined) throw new RangeError(`a list of ${list.length} has no element ${index}`);
  return found;
};
