const UNITS = ['kB', 'MB', 'GB', 'TB'];

/** `9.3 MB`, in powers of 1,000. */
export const formatBytes = (bytes: number): string => {
  if (bytes < 1000) return `${bytes} B`;
  let value = bytes;
  let unit = -1;
  do {
    value /= 1000;
    unit += 1;
  } while (value >= 999.95 && unit < UNITS.length - 1);
  return `${value.toFixed(1)} ${UNITS[unit]}`;
};

/** Lambda counts memory and storage in MB of so many bytes. */
export const BYTES_PER_LAMBDA_MB = 1024 * 1024;

/** `512 MB`, as Lambda counts memory and storage; with one decimal below 10 MB. */
export const formatLambdaMb = (bytes: number): string =>
  `${(bytes / BYTES_PER_LAMBDA_MB).toFixed(bytes < 10 * BYTES_PER_LAMBDA_MB ? 1 : 0)} MB`;
