/** True for the name of a time zone. Application Auto Scaling knows no offsets such as `+01:00`, which JavaScript takes for one. */
export const isTimezone = (name: string): boolean => {
  try {
    return /^[A-Za-z]/.test(new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone);
  } catch {
    return false;
  }
};
