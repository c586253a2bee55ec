import type { S3Client, S3ClientConfig } from '@aws-sdk/client-s3';
import type { ModelRepository } from '../../src/repository/model-repository.ts';
import type { UploadingStore } from '../../src/repository/stores/object-store.ts';
import type { Send } from './send.ts';

/** The buckets of a stage, or of the local server. */
export interface Buckets {
  readonly client: S3Client;
  readonly names: readonly string[];
}

/** The queue of the uploads that could not be answered, and the client's settings that reach it. */
export interface DeadLetterQueue {
  readonly url: string;
  readonly clientConfig: Pick<S3ClientConfig, 'endpoint' | 'region' | 'credentials'>;
}

/** The state machine that hands out the chunks of runs. */
export interface StateMachine {
  readonly arn: string;
  readonly dataBucket: string;
  readonly clientConfig: DeadLetterQueue['clientConfig'];
}

/** The deployment, local server or directory on which a command acts. */
export interface Target {
  /** For messages, such as `stage dev (stack onnx-serverless-dev in us-east-1)`. */
  readonly description: string;
  /** The options that name it, to be repeated in a command that is suggested. */
  readonly options: string;
  readonly repository: ModelRepository<UploadingStore>;
  /** Holds `uploads/`, for inputs that do not fit into a request. */
  readonly data: UploadingStore;
  readonly send: Send;
  /** Undefined for a directory. */
  readonly buckets: Buckets | undefined;
  /** Undefined for a directory, and for a stack that names none. */
  readonly deadLetters: DeadLetterQueue | undefined;
  /** Undefined for a directory, and for a stack that names none. */
  readonly states: StateMachine | undefined;
  /** The function that answers the requests for a model; undefined for a directory. */
  readonly functionOf: ((model: string) => string) | undefined;
  /** To be called at the end. */
  close(): Promise<void>;
}

/** The options that name a target. */
export interface TargetOptions {
  readonly stage?: string | undefined;
  readonly region?: string | undefined;
  readonly store?: string | undefined;
}

export interface TargetUse {
  /** The command writes a directory that does not exist yet; any other one would only find it empty. */
  readonly mayCreate?: boolean;
}
