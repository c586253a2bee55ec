import type { TraceContext } from '../../../core/trace-context.ts';
import type { LoadReport } from '../../../engine/model-loader.ts';
import type { Observation } from '../../../serving/telemetry.ts';

/** A request that has ended. Its spans are made behind its answer. */
export interface EndedRequest {
  readonly observation: Observation;
  readonly trace: TraceContext;
  /** Time since 1970. */
  readonly endMs: number;
  readonly totalMs: number;
  /** Init of the environment whose first request this is. */
  readonly initMs: number | undefined;
  /** The last load of the model. */
  readonly load: EndedLoad | undefined;
}

export interface EndedLoad {
  readonly endMs: number;
  readonly report: LoadReport;
}

/** Values of metrics, of a model and version or of none. */
export interface Measured {
  readonly model?: string;
  readonly version?: number;
  readonly values: readonly MeasuredValue[];
}

export interface MeasuredValue {
  readonly name: string;
  /** A unit of CloudWatch. */
  readonly unit: string;
  /** True for a count, which is added up. */
  readonly isSum: boolean;
  readonly value: number;
}

/** Speaks OTLP over HTTP, in protobuf. The library reads the address and the headers from the variables of OpenTelemetry. */
export interface Exporter {
  /** @throws Error that says what the collector did not take, and why */
  send(requests: readonly EndedRequest[], measured: readonly Measured[]): Promise<void>;
}

export interface ExporterOptions {
  readonly service: string;
  readonly version: string;
  readonly functionName: string;
  readonly memoryBytes: number;
  /** Time for one sending, with its repetitions. */
  readonly timeoutMs: number;
}
