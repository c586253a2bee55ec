/** Limits of AWS's services. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */

/** Bytes of an event, and of a result, that Lambda carries: 6 MiB, and a little for the envelope. */
export const LAMBDA_PAYLOAD_BYTES = 6_291_556;

/** Bytes of an answer that Lambda streams. https://docs.aws.amazon.com/lambda/latest/dg/configuration-response-streaming.html */
export const LAMBDA_STREAM_BYTES = 200 * 1024 * 1024;

/** Bytes of a function's code and its layers together, unzipped: 250 MiB. */
export const LAMBDA_UNZIPPED_BYTES = 250 * 1024 * 1024;

/** Lambda gives one vCPU per 1,769 MB. https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html */
export const LAMBDA_MB_PER_VCPU = 1_769;

/** The most memory that a function can have, in MB. */
export const LAMBDA_MOST_MEMORY_MB = 10_240;

/** The most room in `/tmp` that a function can have, in MB. https://docs.aws.amazon.com/lambda/latest/dg/configuration-ephemeral-storage.html */
export const LAMBDA_MOST_TMP_MB = 10_240;

/** Lambda ends an init after this time, and starts it again within the first invocation. */
export const LAMBDA_INIT_MS = 10_000;

/** The init of a provisioned environment is ended after this time, or after the function's time-out where that is longer. */
export const LAMBDA_PROVISIONED_INIT_MS = 130_000;

/** Bytes of a body that an HTTP API takes. https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-quotas.html */
export const HTTP_API_BODY_BYTES = 10 * 1024 * 1024;

/** An HTTP API gives up on its function after 30 s. No setting extends that. */
export const HTTP_API_TIMEOUT_MS = 30_000;

/** Bytes of a key in S3. https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html */
export const S3_KEY_BYTES = 1_024;
