const PROGRAM = 'npx onnx-serverless ';

export interface Step {
  readonly command: string;
  readonly output: readonly string[];
}

/** The scripts of the `sh` blocks of a part of a page. */
export const parseScripts = (part: string): string[] =>
  [...part.matchAll(/```sh\n([\s\S]*?)```/g)].map(([, script = '']) => script);

/** The commands of the `console` blocks of a page, each with what it prints. */
export const parseSteps = (document: string): Step[] =>
  [...document.matchAll(/```console\n([\s\S]*?)```/g)].flatMap(([, block = '']) =>
    block
      .split(/^\$ /m)
      .filter((text) => text !== '')
      .map((text) => {
        const [command = '', ...output] = text.trim().split('\n');
        if (!command.startsWith(PROGRAM) || output.length === 0)
          throw new Error(`${command}, expected ${PROGRAM}… and what it prints`);
        return { command: command.slice(PROGRAM.length), output };
      }),
  );

/** As a shell splits it. */
export const splitCommand = (command: string, home: string): string[] =>
  [...command.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, bare = '']) => quoted ?? bare.replace(/^~/, home));

/** `…` stands for anything, on a line of its own for any lines; how wide a column is does not matter. */
const toPattern = (output: readonly string[]): RegExp => {
  const lines = output.map((line) =>
    line === '…'
      ? '[\\s\\S]*'
      : line
          .split('…')
          .map((text) => text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll(/ +/g, '\\s+'))
          .join('.*'),
  );
  return new RegExp(`^\\s*${lines.join('\\s*\\n\\s*')}\\s*$`);
};

/** The outcome of a step: `! ` before its first line means that the command fails, and says why on stderr. */
export const expectedOf = ({ output: [first = '', ...rest] }: Step) => {
  const isRefused = first.startsWith('! ');
  return {
    exitCode: isRefused ? 1 : 0,
    stream: isRefused ? ('stderr' as const) : ('stdout' as const),
    pattern: toPattern([first.replace(/^! /, ''), ...rest]),
  };
};
