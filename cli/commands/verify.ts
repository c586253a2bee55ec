import { verifyVersions } from '../../src/authoring/verify-versions.ts';
import { ServingError } from '../../src/core/errors.ts';
import { formatBytes } from '../../src/core/format-bytes.ts';
import { totalBytes } from '../../src/core/total-bytes.ts';
import { createModelRepository } from '../../src/repository/model-repository.ts';
import { routingProblems } from '../../src/repository/versions/verify.ts';
import { defineCommand } from '../command.ts';
import { parseReference, REFERENCE_HELP, resolveVersion } from '../options/model-reference.ts';
import { readTrustedKeys } from '../options/signing-key.ts';
import { formatTable } from '../output/format.ts';

const UNSIGNED_ROUTING =
  'routing.json is not signed: a writer of the bucket can route to any signed version; the stage parameter withdrawn takes one out';

export const verify = defineCommand({
  summary: 'check every file of a model against its sha256',
  description: `Reads every file of a model, or of one version, and compares it with its sha256; checks that the routed versions
exist, and with --key that the bundles are signed. No signature covers routing.json: whoever writes to the bucket chooses
among the signed versions. ${REFERENCE_HELP}`,
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
    const wrongRoutes = one ? [] : await routingProblems(repository, name);
    const checked = await verifyVersions(repository, name, versions, terminal.progress('Verifying'));
    const { bundles } = checked;
    const problems = [...wrongRoutes, ...checked.problems];
    if (problems.length > 0) throw new ServingError('MODEL_INVALID', problems.join('; '));
    const rows = bundles.map((bundle) => [
      `  version ${bundle.version}`,
      `${bundle.files.length} files`,
      formatBytes(totalBytes(bundle.files)),
      trustedKeys.length > 0 ? 'signed' : '',
    ]);
    const signed = trustedKeys.length > 0 ? `\n${UNSIGNED_ROUTING}` : '';
    return {
      json: { name, versions: bundles.map(({ version, files }) => ({ version, files: files.length })) },
      text: `${name} is what was pushed:\n${formatTable(rows)}${signed}`,
    };
  },
});
