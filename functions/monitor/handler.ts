import { connectMonitor, monitorHandler } from '../../src/lambda/monitor.ts';

/** Looks after the models: decides about automatic canaries. */
export const handler = monitorHandler(connectMonitor());
