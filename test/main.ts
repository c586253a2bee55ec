import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';

/** `npm test`: lint, types and import rules, one after the other, beside the tests. Its arguments are those of jest. */

const CHECKS = ['lint', 'types', 'imports'];

/** Runs a script of package.json, and prints what it said when it has ended. Returns whether it succeeded. */
const check = async (script: string): Promise<boolean> => {
  const child = spawn('npm', ['run', '--silent', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const closed = once(child, 'close');
  const output = await Promise.all([text(child.stdout), text(child.stderr)]);
  const [status] = await closed;
  process.stderr.write(`npm run ${script}: ${status === 0 ? 'passed' : 'failed'}\n${output.join('')}`);
  return status === 0;
};

const checkAll = async (): Promise<boolean> => {
  for (const script of CHECKS) if (!(await check(script))) return false;
  return true;
};

const { scripts } = JSON.parse(await readFile('package.json', 'utf8')) as { scripts: { jest: string } };
// Without npm between: npm would not hand the signal on that ends the tests.
const tests = spawn('sh', ['-c', `exec ${scripts.jest} "$@"`, 'jest', ...process.argv.slice(2)], { stdio: 'inherit' });
const tested = once(tests, 'close');
const isSound = await checkAll();
if (!isSound) tests.kill();
const [status] = await tested;
process.exitCode = isSound && status === 0 ? 0 : 1;
