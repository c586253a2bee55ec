import type { Listening } from './listen-locally.ts';

const LAST_PORT = 65_535;

const isPortTaken = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';

/**
 * Starts a server on the port that lies `distance` after that of the HTTP API, or on any other one when that is taken.
 * @param onElsewhere hears of the port that is taken
 */
export const listenNear = async <T extends Pick<Listening, 'endpoint'>>(
  apiPort: number,
  distance: number,
  start: (port: number) => Promise<T>,
  onElsewhere: (port: number, started: T) => void = () => {},
): Promise<T> => {
  const near = apiPort === 0 || apiPort + distance > LAST_PORT ? 0 : apiPort + distance;
  try {
    return await start(near);
  } catch (error) {
    if (!isPortTaken(error)) throw error;
    const started = await start(0);
    onElsewhere(near, started);
    return started;
  }
};
