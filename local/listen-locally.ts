import { once } from 'node:events';
import type { Server } from 'node:http';

export interface Listening {
  readonly endpoint: string;
  /** Ends the connections that are open, too. */
  stop(): Promise<void>;
}

const endpointOf = (server: Server): string => {
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server listens on no port');
  return `http://127.0.0.1:${address.port}`;
};

/** Makes `server` listen on the loopback address; port 0 takes any free one. @throws when the port is taken. */
export const listenLocally = async (server: Server, port: number): Promise<Listening> => {
  await once(server.listen(port, '127.0.0.1'), 'listening');
  return {
    endpoint: endpointOf(server),
    stop: async () => {
      const closed = once(server.close(), 'close');
      server.closeAllConnections();
      await closed;
    },
  };
};
