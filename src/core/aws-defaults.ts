/** The region of a deployment and of the local AWS, unless another one is named. serverless.yml names it too. */
export const DEFAULT_REGION = 'us-east-1';

/** Account and credentials of the local AWS, which checks none. */
export const LOCAL_ACCOUNT = '000000000000';
export const LOCAL_CREDENTIALS = { accessKeyId: 'local', secretAccessKey: 'local' };
