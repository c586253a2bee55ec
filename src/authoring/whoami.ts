import { hostname, userInfo } from 'node:os';

/** User and machine, for the history of a model. */
export const whoami = (): string => `${userInfo().username}@${hostname()}`;
