import {
  AbortMultipartUploadCommand,
  DeleteObjectsCommand,
  ListMultipartUploadsCommand,
  ListObjectVersionsCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { describe, expect, it } from '@jest/globals';
import { countBucket, emptyBucket } from '../../../../cli/targets/bucket.ts';

const PAGE = 2;

/** A versioned bucket as S3 lists it, two entries a page; `late` is written while the first page is being deleted. */
const createVersionedBucket = (late: string[] = []) => {
  const versions = ['a:1', 'a:2', 'b:1', 'c:1', 'c:2'];
  const markers = ['c:3'];
  const uploads = ['d:1', 'd:2', 'e:1'];
  const remove = (list: string[], key = '', id = ''): void => {
    const index = list.indexOf(`${key}:${id}`);
    if (index >= 0) list.splice(index, 1);
  };
  const page = (list: string[], key = '', id = '') => {
    const entries = list.toSorted().filter((entry) => key === '' || entry > `${key}:${id}`);
    return { entries: entries.slice(0, PAGE).map((entry) => entry.split(':')), more: entries.length > PAGE };
  };
  const send = async (command: unknown) => {
    if (command instanceof ListObjectVersionsCommand) {
      const { entries, more } = page([...versions, ...markers], command.input.KeyMarker, command.input.VersionIdMarker);
      const listed = entries.map(([Key, VersionId]) => ({ Key, VersionId }));
      const isMarker = ({ Key, VersionId }: (typeof listed)[0]) => markers.includes(`${Key}:${VersionId}`);
      const next = more ? { NextKeyMarker: listed.at(-1)?.Key, NextVersionIdMarker: listed.at(-1)?.VersionId } : {};
      const [Versions, DeleteMarkers] = [listed.filter((entry) => !isMarker(entry)), listed.filter(isMarker)];
      return { Versions, DeleteMarkers, IsTruncated: more, ...next };
    }
    if (command instanceof ListMultipartUploadsCommand) {
      const { entries, more } = page(uploads, command.input.KeyMarker, command.input.UploadIdMarker);
      const Uploads = entries.map(([Key, UploadId]) => ({ Key, UploadId }));
      const next = more ? { NextKeyMarker: Uploads.at(-1)?.Key, NextUploadIdMarker: Uploads.at(-1)?.UploadId } : {};
      return { Uploads, IsTruncated: more, ...next };
    }
    if (command instanceof DeleteObjectsCommand) {
      versions.push(...late.splice(0));
      const Objects = command.input.Delete?.Objects ?? [];
      for (const { Key, VersionId } of Objects) for (const list of [versions, markers]) remove(list, Key, VersionId);
      return Objects.some(({ Key }) => Key === 'locked')
        ? { Errors: [{ Key: 'locked', Code: 'AccessDenied', Message: 'Access Denied' }] }
        : {};
    }
    if (command instanceof AbortMultipartUploadCommand) {
      remove(uploads, command.input.Key, command.input.UploadId);
      return {};
    }
    throw new Error('not a command of this bucket');
  };
  return { client: { send } as unknown as S3Client, left: () => [...versions, ...markers, ...uploads] };
};

describe('a versioned bucket', () => {
  it('a bucket is counted with every version, delete marker and unfinished upload, over all pages', async () => {
    expect(await countBucket(createVersionedBucket().client, 'bucket')).toEqual({ versions: 6, unfinishedUploads: 3 });
  });

  it('a bucket is emptied of all versions', async () => {
    const { client, left } = createVersionedBucket();
    await emptyBucket(client, 'bucket');
    expect(left()).toEqual([]);
  });

  it('a bucket is emptied of objects that are written meanwhile', async () => {
    const { client, left } = createVersionedBucket(['a:0', 'z:1']);
    await emptyBucket(client, 'bucket');
    expect(left()).toEqual([]);
  });

  it('an object that may not be deleted is named', async () => {
    const { client } = createVersionedBucket(['locked:1', 'locked:2']);
    await expect(emptyBucket(client, 'bucket')).rejects.toThrow('s3://bucket/locked cannot be deleted: AccessDenied');
  });
});

it('a bucket that does not exist is empty', async () => {
  const send = async () => {
    throw Object.assign(new Error('The specified bucket does not exist'), { name: 'NoSuchBucket' });
  };
  expect(await countBucket({ send } as unknown as S3Client, 'gone')).toEqual({ versions: 0, unfinishedUploads: 0 });
});
