import { buffer } from 'node:stream/consumers';
import * as v from 'valibot';
import { REPORT_FILE } from '../optimise/report.ts';
import type { ModelRepository } from '../repository/model-repository.ts';
import type { PublishedBundle } from '../repository/versions/bundle.ts';
import { readVerified } from '../repository/versions/verify.ts';

/** A version to measure. */
export interface MeasuredVersion {
  readonly bundle: PublishedBundle;
  /** For people. */
  readonly description: string;
}

const originSchema = v.object({ from: v.object({ version: v.number() }), method: v.string() });

/** The version that `optimise` made this one of, and how; undefined for a version that it did not make. */
const originOf = async (
  repository: ModelRepository,
  bundle: PublishedBundle,
): Promise<{ readonly version: number; readonly method: string } | undefined> => {
  const file = bundle.files.find(({ path }) => path === REPORT_FILE);
  if (file === undefined) return undefined;
  const report: unknown = JSON.parse((await buffer(readVerified(repository, bundle, file))).toString());
  const { output, success } = v.safeParse(originSchema, report);
  return success ? { version: output.from.version, method: output.method } : undefined;
};

/**
 * The version `version` and, where `optimise` made one of the other, the original or the latest that was optimised; the original first.
 * @throws `NOT_FOUND`
 */
export const findVersions = async (
  repository: ModelRepository,
  name: string,
  version: number,
): Promise<MeasuredVersion[]> => {
  const bundle = await repository.bundle(name, version);
  const describe = (method: string, from: number): string => `${method} of version ${from}`;
  const origin = await originOf(repository, bundle);
  const versions = await repository.versions(name);
  if (origin !== undefined) {
    const optimised = { bundle, description: describe(origin.method, origin.version) };
    if (!versions.includes(origin.version)) return [optimised];
    return [{ bundle: await repository.bundle(name, origin.version), description: 'original' }, optimised];
  }
  for (const later of versions.filter((number) => number > version).toReversed()) {
    const other = await repository.bundle(name, later);
    const found = await originOf(repository, other);
    if (found?.version === version)
      return [
        { bundle, description: 'original' },
        { bundle: other, description: describe(found.method, version) },
      ];
  }
  return [{ bundle, description: 'original' }];
};
