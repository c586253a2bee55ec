import { METHOD_NAMES, parseMethods } from '../../src/optimise/methods.ts';
import { optimiseModel } from '../../src/optimise/optimise-model.ts';
import { defineCommand } from '../command.ts';
import { fromWords, misuse } from '../options/misuse.ts';
import { parseReference, REFERENCE_HELP, resolveVersion } from '../options/model-reference.ts';
import { CHANGE_OPTIONS, parseShare } from '../options/routing-change.ts';
import { readSigner } from '../options/signing-key.ts';
import { formatShare } from '../output/format.ts';
import { formatOptimisation } from '../output/format-optimisation.ts';

/** The exit code when nothing passes. */
const NOTHING_PASSES = 3;
const DEFAULT_MAX_LOSS = '1%';

export const optimise = defineCommand({
  summary: 'make a version smaller or faster, if its answers stay right',
  description: `Tries methods on a version, and measures each candidate against it on samples: answers, time, bytes, memory. The best that passes is pushed
as the next version. If nothing passes, nothing is pushed, and the exit code is 3. ${REFERENCE_HELP}`,
  positionals: ['model'],
  options: {
    version: { type: 'string', value: '<number>', description: 'default: the stable version' },
    data: {
      type: 'string',
      value: '<file|folder>',
      description: 'samples as for evaluate, with labels or without',
    },
    methods: { type: 'string', value: '<names>', description: `some of ${METHOD_NAMES.join(',')}` },
    'max-loss': {
      type: 'string',
      value: '<share>',
      description: `most that the metric may lose, by the upper end of its interval (default: ${DEFAULT_MAX_LOSS})`,
    },
    'fixed-sizes': {
      type: 'boolean',
      description: 'fix the sizes of inputs that all samples share; the new version refuses others',
    },
    canary: { type: 'string', value: '<share>', description: 'let the new version answer a share of the requests' },
    sign: { type: 'string', value: '<key.pem>', description: 'sign the version with this Ed25519 private key' },
    ...CHANGE_OPTIONS,
  },
  onInterruption: (typed) => `Interrupted. A version appears only when it is whole. Begin again with: ${typed}\n`,
  async run({ positionals: [model = ''], values, target: findTarget, terminal }) {
    const { data, note, methods: named } = values;
    const dryRun = values['dry-run'] ?? false;
    if (data === undefined) misuse('--data is missing, expected a file or a folder with samples');
    const maxLoss = parseShare('--max-loss', values['max-loss'] ?? DEFAULT_MAX_LOSS, 'the metric');
    const canary = values.canary === undefined ? undefined : parseShare('--canary', values.canary);
    const methods = named === undefined ? undefined : fromWords(() => parseMethods(named));
    const signer = values.sign === undefined ? undefined : await readSigner(values.sign);
    const reference = parseReference(model, values.version);
    const target = await findTarget();
    const { repository } = target;
    const bundle = await repository.bundle(reference.name, await resolveVersion(repository, reference));
    const { report, version } = await optimiseModel(repository, bundle, {
      ...{ data, maxLoss, dryRun },
      ...(methods && { methods }),
      ...(values['fixed-sizes'] && { fixedSizes: true }),
      ...(canary !== undefined && { canary }),
      ...(note !== undefined && { note }),
      ...(signer && { sign: signer.sign }),
      onStep: (step) => terminal.step(`Optimising ${bundle.name}: ${step}`),
    }).finally(() => terminal.step(''));
    const json = { name: bundle.name, ...(version !== undefined && { version }), dryRun, ...report };
    const table = formatOptimisation(report);
    const { method } = report;
    if (method === undefined)
      return { json, text: `${table}\nNothing passes, and nothing was pushed`, exitCode: NOTHING_PASSES };
    const run = (command: string): string => `npx onnx-serverless ${command}${target.options}`;
    if (version === undefined) return { json, text: `${table}\nWould push ${bundle.name} with ${method}` };
    const share = canary === undefined ? '' : `; it answers ${formatShare(canary)} of the requests`;
    const next = `Let it answer: ${run(`promote ${bundle.name} ${version}`)}\nGo back then: ${run(`rollback ${bundle.name}`)}`;
    return { json, text: `${table}\nPushed ${bundle.name} version ${version} with ${method}${share}\n${next}` };
  },
});
