import * as v from 'valibot';

/** The file in the server's directory that tells where it answers, for as long as it runs. The command line looks there. */
export const ENDPOINT_FILE = 'endpoint.json';

const endpointSchema = v.object({
  /** The address of the HTTP API. */
  endpoint: v.string(),
  /** Functions with a URL of their own, by name. */
  functionUrls: v.optional(v.record(v.string(), v.string()), {}),
  s3Endpoint: v.string(),
  /** The address of the functions' metrics, for Prometheus. */
  metricsEndpoint: v.string(),
  modelsBucket: v.string(),
  dataBucket: v.string(),
  /** Functions of models that the default one does not serve. */
  fleet: v.optional(v.record(v.string(), v.string()), {}),
  pid: v.number(),
});

export type LocalEndpoint = Readonly<v.InferOutput<typeof endpointSchema>>;

/** @throws Error when the text is not what a server writes */
export const parseEndpoint = (text: string): LocalEndpoint => v.parse(endpointSchema, JSON.parse(text));
