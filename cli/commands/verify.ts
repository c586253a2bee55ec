import { ServingError } from '../../src/core/errors.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import type { BundleFile, PublishedBundle } from '../../src/repository/versions/bundle.ts';
import { readVerified, routingProblems } from '../../src/repository/versions/verify.ts';
import { defineCommand } from '../command.ts';
import { parseReference, REFERENCE_HELP, resolveVersion } from '../options/model-reference.ts';
import { readTrustedKeys } from '../options/signing-key.ts';
import { formatTable } from '../output/format.ts';

/** The message of what `check` throws, unless it says that the store does not answer. */
const problemOf = async (check: () => Promise<unknown>): Promise<string | undefined> => {
  try {
    await check();
    return undefined;
  } catch (error) {
    const { code, message } = ServingError.from(error);
    if (code === 'MODEL_UNAVAILABLE') throw error;
    return message;
  }
};

const totalBytes = (bundles: readonly PublishedBundle[]): number =>
  bundles.reduce((sum, { files }) => sum + files.reduce((bytes, file) => bytes + file.bytes, 0), 0);

export const verify = defineCommand({
  summary: 'check every file of a model against its sha256',
  description: `Reads every file of a model, or of one version, and compares it with its sha256; checks that the routed versions
exist, and with --key that the bundles are signed. ${REFERENCE_HELP}`,
  positionals: ['model'],
  options: {
    version: { type: 'string', value: '<number>', description: 'default: all of them' },
    key: { type: 'string', multiple: true, value: '<public.pem>', description: 'a trusted key' },
  },
  async run({ positionals: [model = ''], values, target, terminal }) {
    const reference = parseReference(model, values.version);
    const { name } = reference;
    const trustedKeys = await readTrustedKeys(values.key ?? []);
    const { store } = (await target()).repository;
    const repository = createModelRepository(store, { trustedKeys });
    const one = reference.version !== undefined || reference.alias !== undefined;
    const versions = one ? [await resolveVersion(repository, reference)] : await repository.versions(name);
    const problems = one ? [] : await routingProblems(repository, name);
    const note = (problem: string | undefined): void => {
      if (problem !== undefined) problems.push(problem);
    };

    const bundles: PublishedBundle[] = [];
    for (const version of versions)
      note(await problemOf(async () => bundles.push(await repository.bundle(name, version))));
    const onProgress = terminal.progress('Verifying');
    const allBytes = totalBytes(bundles);
    let doneBytes = 0;
    const readWhole = async (bundle: PublishedBundle, file: BundleFile): Promise<void> => {
      for await (const { byteLength } of readVerified(repository, bundle, file)) {
        doneBytes += byteLength;
        onProgress(doneBytes, allBytes);
      }
    };
    for (const bundle of bundles) {
      for (const file of bundle.files) note(await problemOf(() => readWhole(bundle, file)));
    }
    if (problems.length > 0) throw new ServingError('MODEL_INVALID', problems.join('; '));
    const checked = bundles.map(({ version, files }) => ({ version, files: files.length }));
    const rows = bundles.map((bundle) => [
      `  version ${bundle.version}`,
      `${bundle.files.length} files`,
      formatBytes(totalBytes([bundle])),
      trustedKeys.length > 0 ? 'signed' : '',
    ]);
    return { json: { name, versions: checked }, text: `${name} is what was pushed:\n${formatTable(rows)}` };
  },
});
