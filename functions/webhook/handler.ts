import { onWebhookHandler, webhooksOfBuckets } from '../../src/lambda/on-webhook.ts';

/** Tells webhooks of the events of jobs, which S3 announces through a queue as they are written. */
export const handler = onWebhookHandler(webhooksOfBuckets());
