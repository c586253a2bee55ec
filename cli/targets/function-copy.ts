import {
  CreateFunctionCommand,
  DeleteFunctionCommand,
  type FunctionConfiguration,
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ResourceNotFoundException,
  UpdateFunctionConfigurationCommand,
  waitUntilFunctionActiveV2,
  waitUntilFunctionUpdatedV2,
} from '@aws-sdk/client-lambda';
import type { Invocation, TunableFunction } from '../../src/advise/measure-deployed.ts';
import { ServingError } from '../../src/core/errors.ts';
import { shorten } from '../../src/core/show.ts';
import { COMMAND_TIMEOUTS } from '../../src/repository/stores/s3-patience.ts';

/** Seconds that a function may take to become active, or to be updated. */
const PATIENCE_S = 180;

/** A copy of a deployed function, which is there until it is removed. */
export interface FunctionCopy extends TunableFunction {
  readonly name: string;
  remove(): Promise<void>;
}

/** The numbers in the last line that Lambda writes for an invocation. */
const parseReport = (log: string): Pick<Invocation, 'durationMs' | 'initMs'> | undefined => {
  const [, duration] = /\tDuration: ([\d.]+) ms/.exec(log) ?? [];
  const [, init] = /\tInit Duration: ([\d.]+) ms/.exec(log) ?? [];
  return duration === undefined
    ? undefined
    : { durationMs: Number(duration), initMs: init === undefined ? undefined : Number(init) };
};

/** Why an invocation gave no answer; undefined for an answer. */
const problemOf = (functionError: string | undefined, payload: string): string | undefined => {
  if (functionError !== undefined) return shorten(payload, 300);
  const response: unknown = JSON.parse(payload);
  const { statusCode, body } = Object(response);
  return statusCode === 200 ? undefined : shorten(`it answers ${statusCode} ${body}`, 300);
};

const toDefinition = (configuration: FunctionConfiguration) => {
  const {
    Runtime,
    Role,
    Handler,
    Timeout,
    Architectures,
    EphemeralStorage,
    Layers,
    Environment,
    VpcConfig,
    KMSKeyArn,
  } = configuration;
  return {
    ...{ Runtime, Role, Handler, Timeout, Architectures, EphemeralStorage, KMSKeyArn },
    Layers: Layers?.flatMap(({ Arn }) => (Arn === undefined ? [] : [Arn])),
    ...(VpcConfig?.SubnetIds?.length && {
      VpcConfig: { SubnetIds: VpcConfig.SubnetIds, SecurityGroupIds: VpcConfig.SecurityGroupIds },
    }),
    Environment: {
      Variables: {
        ...Environment?.Variables,
        API_AUTH: 'none', // no gateway has checked the requests of a copy
        PRELOAD_MODELS: '',
        POWERTOOLS_METRICS_DISABLED: 'true', // metrics cost money
      },
    },
  };
};

const remove = async (client: LambdaClient, name: string): Promise<void> => {
  try {
    await client.send(new DeleteFunctionCommand({ FunctionName: name }));
  } catch (error) {
    if (!(error instanceof ResourceNotFoundException)) throw error;
  }
};

const download = async (url: string): Promise<Uint8Array> => {
  const response = await fetch(url).catch((error: unknown) => {
    throw new ServingError('MODEL_UNAVAILABLE', 'the code of the function cannot be downloaded', { cause: error });
  });
  if (!response.ok) throw new ServingError('MODEL_UNAVAILABLE', `the code of the function answers ${response.status}`);
  return response.bytes();
};

/** The name of the copy that `advise` measures. */
const copyName = (original: string): string => `${original}-advise`;

/**
 * Makes a copy of the function `original`: its code, layers, role and settings, and no metrics. A copy that an earlier run left is replaced.
 * @param requests events that are sent in turn
 * @throws `NOT_FOUND`; errors of AWS
 */
export const copyFunction = async (
  original: string,
  region: string,
  requests: readonly object[],
): Promise<FunctionCopy> => {
  const client = new LambdaClient({ region, requestHandler: COMMAND_TIMEOUTS });
  const name = copyName(original);
  const waiting = { client, maxWaitTime: PATIENCE_S, minDelay: 1, maxDelay: 3 };
  const found = await client.send(new GetFunctionCommand({ FunctionName: original })).catch((error: unknown) => {
    if (!(error instanceof ResourceNotFoundException)) throw error;
    throw new ServingError('NOT_FOUND', `there is no function ${original} in ${region}; deploy the stage first`);
  });
  const definition = toDefinition(found.Configuration ?? {});
  const code = await download(found.Code?.Location ?? '');
  await remove(client, name);
  await client.send(
    new CreateFunctionCommand({ ...definition, FunctionName: name, Code: { ZipFile: code }, Role: definition.Role }),
  );
  await waitUntilFunctionActiveV2(waiting, { FunctionName: name }).catch(async (error: unknown) => {
    await remove(client, name);
    throw error;
  });

  return {
    name,
    architecture: definition.Architectures?.[0] === 'arm64' ? 'arm64' : 'x86_64',

    async resize(MemorySize) {
      await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: name, MemorySize }));
      await waitUntilFunctionUpdatedV2(waiting, { FunctionName: name });
    },

    async invoke(request) {
      const Payload = JSON.stringify(requests[request % requests.length]);
      const startMs = performance.now();
      const answer = await client.send(new InvokeCommand({ FunctionName: name, Payload, LogType: 'Tail' }));
      const clockMs = performance.now() - startMs;
      const problem = problemOf(answer.FunctionError, answer.Payload?.transformToString() ?? '');
      const report = parseReport(Buffer.from(answer.LogResult ?? '', 'base64').toString());
      // AWS always reports; an emulator may not, and then the clock of this computer has to do.
      return { ...(report ?? { durationMs: clockMs, initMs: undefined }), ...(problem !== undefined && { problem }) };
    },

    async remove() {
      await remove(client, name);
      client.destroy();
    },
  };
};
