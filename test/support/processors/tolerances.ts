import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export const RECORD = join(import.meta.dirname, '../../fixtures/processors.json');

/** The record of `npm run parity:processors`: how far the outputs of a graph move between each pair of processors. */
export interface ProcessorRecord {
  readonly runtime: string;
  readonly graphs: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

export const readRecord = async (): Promise<ProcessorRecord> => JSON.parse(await readFile(RECORD, 'utf8'));

/** Eight steps of a float32 from 8 to 16, where large logits lie: any other order of a sum may move it as far. */
const ROUNDING = 2 ** -17;

/**
 * The tolerance for outputs of a graph: two processors that each lie within a distance of a third lie within twice that distance of
 * each other. So a processor that was not measured may differ twice as much as the measured ones.
 */
export const toTolerance = (differences: Readonly<Record<string, number>>): number =>
  Math.max(ROUNDING, 2 * Math.max(...Object.values(differences)));

const { graphs } = await readRecord();

/** The tolerance for the outputs of a graph, such as `tiny-detr/model.onnx`. A graph that was not measured may differ by rounding alone. */
export const graphTolerance = (graph: string): number => toTolerance(graphs[graph] ?? { rounding: 0 });

/** How far numbers may lie from a reference whose own preprocessing and libraries round otherwise than ours, processors aside. */
const OURS = 1e-4;

/** The tolerance for numbers that several of our steps and the graphs named made together. */
export const answerTolerance = (...names: readonly string[]): number =>
  names.reduce((sum, name) => sum + graphTolerance(name), OURS);

/** A tolerance as a table shows it; rounded up, so that the number shown is never below the real one. */
export const formatTolerance = (tolerance: number): string => {
  const step = 10 ** (Math.floor(Math.log10(tolerance)) - 1);
  return (Math.ceil(tolerance / step) * step).toExponential(1);
};
