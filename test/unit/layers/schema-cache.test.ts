import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { ensureSchemaCache } from '../../../layers/schema-cache.ts';

/** Nobody makes a folder there, not even root. */
const CLOSED = '/proc';
const before = process.env.SLS_SCHEMA_CACHE_BASE_DIR;

beforeEach(() => {
  delete process.env.SLS_SCHEMA_CACHE_BASE_DIR;
});

afterEach(() => {
  if (before === undefined) delete process.env.SLS_SCHEMA_CACHE_BASE_DIR;
  else process.env.SLS_SCHEMA_CACHE_BASE_DIR = before;
});

it('a user whose home cannot be written to has the cache of osls in the service, or where he wants it', () => {
  ensureSchemaCache('/service', CLOSED);
  expect(process.env.SLS_SCHEMA_CACHE_BASE_DIR).toBe('/service');

  process.env.SLS_SCHEMA_CACHE_BASE_DIR = '/elsewhere';
  ensureSchemaCache('/service', CLOSED);
  expect(process.env.SLS_SCHEMA_CACHE_BASE_DIR).toBe('/elsewhere');
});

it('a user with a home has the cache of osls there', async () => {
  const home = await mkdtemp(path.join(tmpdir(), 'home-'));
  ensureSchemaCache('/service', home);
  expect(process.env.SLS_SCHEMA_CACHE_BASE_DIR).toBeUndefined();
  expect(await readdir(home)).toEqual(['.serverless']);
  await rm(home, { recursive: true });
});
