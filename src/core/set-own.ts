/** Sets a property of the object itself, whatever its name: an assignment to `__proto__` would set none. */
export const setOwn = <Value>(record: Record<string, Value>, name: string, value: Value): void => {
  if (name === '__proto__')
    Object.defineProperty(record, name, { value, enumerable: true, configurable: true, writable: true });
  else record[name] = value;
};
