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

const originSchema = v.pipe(
  v.string(),
  v.parseJson(),
  v.object({ from: v.object({ name: v.string(), version: v.number() }), method: v.string() }),
);
/** A report has some attempts and layers. */
const MOST_REPORT_BYTES = 16 * 1024 ** 2;

/**
 * The version that `optimise` made this one of, and how; undefined for a version that it did not make. Any push may bring a file of that
 * name: one of the user's own, or the report of another model.
 */
const originOf = async (
  repository: ModelRepository,
  bundle: PublishedBundle,
): Promise<{ readonly version: number; readonly method: string } | undefined> => {
  const file = bundle.files.find(({ path }) => path === REPORT_FILE);
  if (file === undefined || file.bytes > MOST_REPORT_BYTES) return undefined;
  const report = (await buffer(readVerified(repository, bundle, file))).toString();
  const { output, success } = v.safeParse(originSchema, report);
  if (!success || output.from.name !== bundle.name || output.from.version >= bundle.version) return undefined;
  return { version: output.from.version, method: output.method };
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
