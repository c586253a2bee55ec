import type { Architecture } from '../../layers/layer-packages.ts';

/** Lambda's name for the processor of this machine: functions that run here need layers for it. */
export const ARCHITECTURE: Architecture = process.arch === 'arm64' ? 'arm64' : 'x86_64';
