import { mkdtemp } from 'node:fs/promises';
import { join } from 'node:path';
import { isDiskFull } from '../core/error-code.ts';
import { ServingError } from '../core/errors.ts';
import type { GraphDocument } from '../onnx/graph-document.ts';
import { type Answers, type Attempt, type Figures, type GateLimits, judgeGain, judgeLoss } from './attempt.ts';
import { calibrate } from './calibration.ts';
import { writeGraphFile } from './graph-file.ts';
import { measureLoss } from './loss.ts';
import type { Results, Sample } from './measuring/jobs.ts';
import type { LocalVersion } from './measuring/local-version.ts';
import { startJob } from './measuring/start-job.ts';
import { type MethodName, methodOf } from './methods.ts';
import { besideGraph, withOutputs } from './passes/beside.ts';
import type { Bits } from './passes/quantise-weights.ts';
import { isSameGraph } from './passes/same-graph.ts';
import { tensorsToCalibrate } from './passes/static-plan.ts';
import type { Ranges } from './passes/unsigned.ts';
import { type Candidate, type PreparedGraph, writeCandidate } from './prepared-version.ts';
import { spread } from './samples.ts';

/** Samples that ranges, errors of layers and times are taken from: more of them change little. */
const [CALIBRATION_SAMPLES, ERROR_SAMPLES, TIMED_SAMPLES] = [64, 16, 8];
/** Parts of the layers that are kept in float32, one after the other. */
const KEPT_PARTS = [0.1, 0.25, 0.5];

/** The error of a layer on the inputs that it has in the original: squared differences relative to squares. */
export interface LayerError {
  readonly layer: string;
  readonly error: number;
}

export interface SearchOptions extends GateLimits {
  readonly version: LocalVersion;
  readonly graphs: readonly PreparedGraph[];
  readonly samples: readonly Sample[];
  readonly bits: Bits;
  /** A folder for files. */
  readonly scratch: string;
  readonly onStep: (step: string) => void;
}

/** An attempt with its files, and with the errors of its layers where the search looked for them. */
export interface Tried {
  readonly attempt: Attempt;
  readonly candidate?: Candidate;
  readonly errors: readonly LayerError[];
}

const fail = (method: MethodName, kept: readonly string[], reason: string): Tried => ({
  attempt: { method, kept, outcome: 'fails', reason },
  errors: [],
});

/** Tries methods on one version, and measures each candidate beside it. */
export class Search {
  readonly #options: SearchOptions;
  readonly #answers: Answers;
  readonly #bytes: number;
  readonly #observed = new Map<string, Results['observe']>();

  /** @param answers those of the original to the samples */
  constructor(options: SearchOptions, answers: Answers) {
    this.#options = options;
    this.#answers = answers;
    this.#bytes = options.graphs.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  /** Tries a method, and again with more of its worst layers in float32 until it passes or gains nothing. */
  async try(method: MethodName): Promise<Tried[]> {
    const { graphs, onStep } = this.#options;
    const { opset } = methodOf(method);
    const old = graphs.find(({ prepared }) => (prepared.opsets.get('') ?? 0) < opset);
    if (old)
      return [
        fail(
          method,
          [],
          `${old.file} has operators of version ${old.prepared.opsets.get('')}, ${method} needs ${opset}: export it anew`,
        ),
      ];
    onStep(method);
    const first = await this.#attempt(method, []);
    const tried = [first];
    const { outcome, loss } = first.attempt;
    const isLost = outcome === 'loses too much' && (loss?.value ?? 0) > 0;
    if (!isLost || !methodOf(method).hasLayers) return tried;
    onStep(`${method}: errors of layers`);
    const errors = await this.#layerErrors(method).catch((error: unknown): LayerError[] => {
      const problem = `; its layers cannot be compared: ${ServingError.from(error).message}`;
      tried[0] = { ...first, attempt: { ...first.attempt, reason: first.attempt.reason + problem } };
      return [];
    });
    if (errors.length > 0) tried[0] = { ...first, errors };
    for (const part of KEPT_PARTS) {
      const kept = errors.slice(0, Math.ceil(errors.length * part)).map(({ layer }) => layer);
      if (kept.length === 0 || kept.length === tried.at(-1)?.attempt.kept.length) continue;
      onStep(`${method} without ${kept.length} of ${errors.length} layers`);
      const next = await this.#attempt(method, kept);
      tried.push({ ...next, errors });
      if (next.attempt.outcome !== 'loses too much') break;
    }
    return tried;
  }

  async #attempt(method: MethodName, kept: readonly string[]): Promise<Tried> {
    const { version, graphs, samples, scratch } = this.#options;
    try {
      const documents = await this.#apply(method, kept);
      const isChanged = graphs.some(({ role, prepared, original }) => {
        const before = method === 'structure' ? original.document : prepared;
        return !isSameGraph(before.graph, documents.get(role)?.graph ?? prepared.graph);
      });
      if (!isChanged) return fail(method, kept, 'it finds nothing to change in the graph');
      const candidate = await writeCandidate(version, graphs, documents, await mkdtemp(join(scratch, 'candidate-')));
      const measured = await startJob('answer', { version: candidate.version, samples });
      return await this.#judge({ method, kept }, candidate, measured);
    } catch (error) {
      if (isDiskFull(error)) throw error;
      return fail(method, kept, ServingError.from(error).message.replaceAll(`${scratch}/`, ''));
    }
  }

  async #judge(
    about: Pick<Attempt, 'method' | 'kept'>,
    candidate: Candidate,
    measured: Results['answer'],
  ): Promise<Tried> {
    const { version, samples, maxLoss } = this.#options;
    const loss = measureLoss(samples, this.#answers, measured.answers, version.bundle);
    const tooMuch = judgeLoss(loss, { maxLoss });
    const timed = spread(
      samples.filter((_, index) => typeof this.#answers[index] !== 'string'),
      TIMED_SAMPLES,
    );
    const times = await startJob('time', { versions: [version, candidate.version], samples: timed });
    const [originalCpuMs, cpuMs] = times.cpuMs;
    const { createMs, peakBytes } = measured;
    const figures: Figures = { cpuMs, bytes: candidate.bytes, peakBytes, createMs };
    const tooLittle = judgeGain(figures, { cpuMs: originalCpuMs, bytes: this.#bytes }, times.ratio);
    const outcome = tooMuch ? 'loses too much' : tooLittle ? 'gains too little' : 'passes';
    const reason = tooMuch ?? tooLittle ?? '';
    const attempt: Attempt = { ...about, outcome, reason, loss, figures, originalCpuMs };
    return { attempt, candidate, errors: [] };
  }

  /** The graphs that a method makes, by role. */
  async #apply(method: MethodName, kept: readonly string[]): Promise<Map<string, GraphDocument>> {
    const { graphs, bits } = this.#options;
    const { apply, calibration } = methodOf(method);
    const documents = new Map<string, GraphDocument>();
    for (const graph of graphs) {
      const observed = calibration && (await this.#observe(graph));
      const ranges: Ranges = observed ? calibrate(calibration, observed.ranges, observed.histograms) : new Map();
      documents.set(graph.role, apply({ document: graph.prepared, bits, keep: new Set(kept), ranges }));
    }
    return documents;
  }

  /** Ranges and histograms of the tensors of a graph. */
  async #observe(graph: PreparedGraph): Promise<Results['observe']> {
    const known = this.#observed.get(graph.role);
    if (known) return known;
    const { version, samples, onStep } = this.#options;
    onStep('calibration');
    const { prepared } = graph;
    const names = tensorsToCalibrate(prepared.graph);
    const path = await this.#write(graph, { ...prepared, graph: withOutputs(prepared.graph, names) });
    const job = { version, samples: spread(samples, CALIBRATION_SAMPLES), role: graph.role, path, names };
    const { ranges } = await startJob('observe', job);
    const { histograms } = await startJob('observe', { ...job, within: ranges });
    this.#observed.set(graph.role, { ranges, histograms });
    return { ranges, histograms };
  }

  async #layerErrors(method: MethodName): Promise<LayerError[]> {
    const { version, graphs, samples } = this.#options;
    const errors: LayerError[] = [];
    const documents = await this.#apply(method, []);
    for (const graph of graphs) {
      const changed = documents.get(graph.role);
      if (changed === undefined) continue;
      const { document, pairs } = besideGraph(graph.prepared, changed);
      const path = await this.#write(graph, document);
      const job = { version, samples: spread(samples, ERROR_SAMPLES), role: graph.role, path, pairs };
      for (const [layer, error] of await startJob('compare', job)) errors.push({ layer, error });
    }
    return errors.sort((a, b) => b.error - a.error);
  }

  async #write({ original }: PreparedGraph, document: GraphDocument): Promise<string> {
    const folder = await mkdtemp(join(this.#options.scratch, 'probe-'));
    const [path = ''] = await writeGraphFile({ ...original, document }, join(folder, 'graph.onnx'));
    return path;
  }
}
