import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  type ListMultipartUploadsCommandOutput,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  type S3Client,
} from '@aws-sdk/client-s3';

interface Version {
  readonly Key: string;
  readonly VersionId: string | undefined;
}

interface Upload {
  readonly Key: string;
  readonly UploadId: string;
}

/** The contents of a bucket, which S3 deletes only when it is empty. */
export interface BucketCount {
  /** Objects, their earlier versions, and delete markers. */
  readonly versions: number;
  /** Multipart uploads that were begun and not finished. */
  readonly unfinishedUploads: number;
}

async function* versionPages(client: S3Client, bucket: string): AsyncGenerator<Version[]> {
  let page: ListObjectVersionsCommandOutput | undefined;
  do {
    page = await client.send(
      new ListObjectVersionsCommand({
        Bucket: bucket,
        KeyMarker: page?.NextKeyMarker,
        VersionIdMarker: page?.NextVersionIdMarker,
      }),
    );
    const { Versions = [], DeleteMarkers = [] } = page;
    yield [...Versions, ...DeleteMarkers].map(({ Key = '', VersionId }) => ({ Key, VersionId }));
  } while (page.IsTruncated);
}

async function* uploadPages(client: S3Client, bucket: string): AsyncGenerator<Upload[]> {
  let page: ListMultipartUploadsCommandOutput | undefined;
  do {
    page = await client.send(
      new ListMultipartUploadsCommand({
        Bucket: bucket,
        KeyMarker: page?.NextKeyMarker,
        UploadIdMarker: page?.NextUploadIdMarker,
      }),
    );
    yield (page.Uploads ?? []).map(({ Key = '', UploadId = '' }) => ({ Key, UploadId }));
  } while (page.IsTruncated);
}

const isMissingBucket = (error: unknown): boolean => error instanceof Error && error.name === 'NoSuchBucket';

/** Zero of everything for a bucket that does not exist. */
export const countBucket = async (client: S3Client, bucket: string): Promise<BucketCount> => {
  let [versions, unfinishedUploads] = [0, 0];
  try {
    for await (const page of versionPages(client, bucket)) versions += page.length;
    for await (const page of uploadPages(client, bucket)) unfinishedUploads += page.length;
  } catch (error) {
    if (!isMissingBucket(error)) throw error;
  }
  return { versions, unfinishedUploads };
};

/** A page of a listing is as long as a request to delete may be. @throws when S3 refuses to delete one of them */
const deleteVersions = async (client: S3Client, bucket: string, versions: Version[]): Promise<void> => {
  if (versions.length === 0) return;
  const command = new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects: versions, Quiet: true } });
  const [refused] = (await client.send(command)).Errors ?? [];
  if (refused) throw new Error(`s3://${bucket}/${refused.Key} cannot be deleted: ${refused.Code} ${refused.Message}`);
};

/** Deletes everything for good, and what is written meanwhile: only a bucket in which nothing is left can be deleted. */
export const emptyBucket = async (client: S3Client, bucket: string): Promise<void> => {
  for (;;) {
    const { versions, unfinishedUploads } = await countBucket(client, bucket);
    if (versions + unfinishedUploads === 0) return;
    for await (const page of versionPages(client, bucket)) await deleteVersions(client, bucket, page);
    for await (const page of uploadPages(client, bucket))
      for (const upload of page) await client.send(new AbortMultipartUploadCommand({ Bucket: bucket, ...upload }));
  }
};
