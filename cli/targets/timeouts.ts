import { COMMAND_PATIENCE } from '../../src/repository/stores/s3-patience.ts';

/** Time limits of a client of AWS. A call takes as long as it takes; a connection that is silent for so long is broken. */
export const TIMEOUTS = { connectionTimeout: 5_000, socketTimeout: COMMAND_PATIENCE.silenceMs };
