import { access, constants, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Advice, adviseOn, chooseFrom, measureModel } from '../../src/advise/advise-model.ts';
import type { Estimate } from '../../src/advise/estimate.ts';
import { PRICE_NAMES, parsePrices, withOverrides } from '../../src/advise/prices.ts';
import { LAMBDA_MOST_MEMORY_MB } from '../../src/core/aws-limits.ts';
import { refuse } from '../../src/core/errors.ts';
import { writeNamedFile } from '../../src/core/write-failure.ts';
import { defineCommand, type Invocation, type Values } from '../command.ts';
import { fromWords, misuse } from '../options/misuse.ts';
import { parseReference, REFERENCE_HELP, resolveVersion } from '../options/model-reference.ts';
import { DEFAULT_BLOCK, setStageParameters } from '../options/stage-parameters.ts';
import { drawAdvice } from '../output/draw-advice.ts';
import { formatAdvice, formatDeployed } from '../output/format-advice.ts';
import { DEPLOYED_SIZES, measureStage } from '../targets/measure-stage.ts';

/** The exit code when no function keeps the limits. */
const NOTHING_KEEPS = 3;
const DEFAULT_REQUESTS_PER_DAY = 10_000;
/** The busiest second has so many times the requests of an ordinary one, unless `--burst` says how many. */
const BURST_FACTOR = 10;

const OPTIONS = {
  version: { type: 'string', value: '<number>', description: 'default: the stable version' },
  data: { type: 'string', value: '<file|folder>', description: 'samples as for evaluate (default: a blank input)' },
  p95: { type: 'string', value: '<ms>', description: 'most that 95 % of the requests may take' },
  cold: { type: 'string', value: '<ms>', description: 'most that the first request to a new environment may take' },
  'requests-per-day': {
    type: 'string',
    value: '<number>',
    description: `traffic to compare services for (default: ${DEFAULT_REQUESTS_PER_DAY})`,
  },
  burst: {
    type: 'string',
    value: '<number>',
    description: `requests in the busiest second (default: ${BURST_FACTOR} times the mean)`,
  },
  price: {
    type: 'string',
    multiple: true,
    value: '<name>=<dollars>',
    description: `another price than the table's: ${PRICE_NAMES[0]}, ${PRICE_NAMES[1]}, … (see docs/choosing.md)`,
  },
  svg: { type: 'string', value: '<file>', description: 'write the charts to this file' },
  deployed: { type: 'boolean', description: 'measure a copy of the function of --stage, which costs cents' },
  memory: {
    type: 'string',
    value: '<MB,…>',
    description: `sizes to measure with --deployed (default: ${DEPLOYED_SIZES.join(',')})`,
  },
  write: { type: 'boolean', description: 'write the answer into serverless.yml, after showing the difference' },
  yes: { type: 'boolean', description: 'do not ask before writing' },
} as const;

type Given = Values<typeof OPTIONS>;

/** @throws `INVALID_REQUEST` */
const parseVersionNumber = (option: string, text: string, expected: string): number => {
  const value = /^(\d+(\.\d+)?|\.\d+)$/.test(text) ? Number(text) : 0;
  return value > 0 && value < Number.POSITIVE_INFINITY ? value : misuse(`--${option} is ${text}, expected ${expected}`);
};

const parseLimits = ({ p95, cold }: Given): Advice['limits'] => ({
  ...(p95 !== undefined && { p95Ms: parseVersionNumber('p95', p95, 'milliseconds such as 200') }),
  ...(cold !== undefined && { coldMs: parseVersionNumber('cold', cold, 'milliseconds such as 2000') }),
});

const parseTraffic = (given: Given): Advice['traffic'] => {
  const requests = given['requests-per-day'] ?? String(DEFAULT_REQUESTS_PER_DAY);
  const requestsPerDay = parseVersionNumber('requests-per-day', requests, 'a number of requests such as 10000');
  const mean = requestsPerDay / 86_400;
  const burst =
    given.burst === undefined
      ? BURST_FACTOR * mean
      : parseVersionNumber('burst', given.burst, 'requests a second such as 5');
  if (burst >= mean) return { requestsPerDay, burst };
  return misuse(`--burst is ${burst}, less than the mean of ${Number(mean.toPrecision(2))} requests a second`);
};

const parseSizes = ({ memory }: Given): readonly number[] =>
  memory?.split(',').map((text) => {
    const size = /^\d+$/.test(text.trim()) ? Number(text) : 0;
    if (size >= 128 && size <= LAMBDA_MOST_MEMORY_MB) return size;
    return misuse(`--memory has ${text || 'an empty size'}, expected MB from 128 to ${LAMBDA_MOST_MEMORY_MB}`);
  }) ?? DEPLOYED_SIZES;

/** @throws `INVALID_REQUEST` before anything is measured for it */
const assertWritable = async (path: string): Promise<void> => {
  const fail = (problem: string): never => refuse('INVALID_REQUEST', `--svg ${path} cannot be written: ${problem}`);
  await access(dirname(path), constants.W_OK).catch(({ message }: Error) => fail(message));
  const found = await stat(path).catch(() => undefined);
  if (found?.isDirectory()) fail('it is a folder');
};

/** Writes the size into serverless.yml, when there is one and somebody agrees. Returns the lines to tell of it. */
const writeParameters = async (
  { memoryMb, architecture }: Estimate,
  stage: string | undefined,
  {
    given,
    terminal,
    projectDirectory,
  }: { readonly given: Given } & Pick<Invocation<typeof OPTIONS>, 'terminal' | 'projectDirectory'>,
): Promise<string> => {
  const path = join(projectDirectory, 'serverless.yml');
  const block = stage ?? DEFAULT_BLOCK;
  const parameters = { memory: memoryMb, architecture };
  const { text, difference } = setStageParameters(await readFile(path, 'utf8'), block, parameters);
  if (difference.length === 0) return `serverless.yml has these parameters already (params.${block})`;
  const shown = `serverless.yml, params.${block}:\n${difference.join('\n')}`;
  terminal.note(shown);
  if (!given.yes && !(await terminal.confirm('Write serverless.yml', 'say so with --yes')))
    return refuse('INVALID_REQUEST', 'nothing was written');
  await writeNamedFile(path, text);
  return `Wrote serverless.yml. The next deployment takes it: npx sls deploy${stage === undefined ? '' : ` --stage ${stage}`}`;
};

export const advise = defineCommand({
  summary: 'find the memory, architecture and service that serve a model cheapest',
  description: `Measures the CPU time, memory and start of a version on this computer, and of the version that optimise made of it. Computes the
latency and the price for every memory size of Lambda, and compares services. Exits with 3 when no function keeps --p95 and --cold.
${REFERENCE_HELP}`,
  positionals: ['model'],
  options: OPTIONS,
  onInterruption: (typed, words) =>
    words.includes('--deployed')
      ? `Interrupted. A copy of the function, whose name ends in -advise, may be left; it costs nothing. The same command replaces and removes it: ${typed}\n`
      : 'Interrupted. Nothing was written.\n',
  async run({ positionals: [model = ''], values, target: findTarget, terminal, projectDirectory, targetOptions }) {
    const [limits, traffic, sizes] = [parseLimits(values), parseTraffic(values), parseSizes(values)];
    const overrides = fromWords(() => parsePrices(values.price ?? []));
    const { stage, region } = targetOptions;
    const options = { limits, traffic, overrides, nowMs: Date.now() };
    const reference = parseReference(model, values.version);
    if (values.memory !== undefined && !values.deployed)
      return misuse('--memory needs --deployed; without it, every size is computed');
    if (values.svg !== undefined) await assertWritable(values.svg);
    const { repository } = await findTarget();
    const { name } = reference;
    const version = await resolveVersion(repository, reference);
    const onStep = (step: string): void => terminal.step(`Advising on ${name}: ${step}`);
    const measure = async (): Promise<{ readonly text: string; readonly advice: Advice; readonly json: object }> => {
      if (!values.deployed) {
        const measurement = await measureModel(repository, { name, version }, values.data, onStep);
        const advice = adviseOn(measurement, options);
        return { text: formatAdvice(measurement, advice), advice, json: measurement };
      }
      if (stage === undefined) return misuse('--deployed needs --stage <stage>, whose function it measures');
      if (values.data === undefined) return misuse('--deployed needs --data <file|folder> with samples to send');
      const place = {
        stage,
        region,
        projectDirectory,
        data: values.data,
        sizes,
        prices: withOverrides(overrides),
        onStep,
      };
      const advice = chooseFrom(await measureStage(await repository.bundle(name, version), place), [], options);
      return { text: formatDeployed(advice), advice, json: { name, version, stage } };
    };
    const { text, advice, json } = await measure().finally(() => terminal.step(''));
    const lines = [text];
    if (values.svg !== undefined) {
      await writeNamedFile(values.svg, drawAdvice(name, advice));
      lines.push(`Wrote ${values.svg}`);
    }
    if (values.write && advice.choice)
      lines.push(await writeParameters(advice.choice, stage, { given: values, terminal, projectDirectory }));
    return { text: lines.join('\n\n'), json: { ...json, ...advice }, exitCode: advice.choice ? 0 : NOTHING_KEEPS };
  },
});
