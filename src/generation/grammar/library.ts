import { compileFunction } from 'node:vm';
import { ServingError } from '../../core/errors.ts';
import { LIBRARY_SOURCE } from './library-source.ts';

/** A value in the memory of the WebAssembly. */
export interface Handle {
  delete(): void;
}

export interface Matcher extends Handle {
  /** A bit for each token. */
  GetNextTokenBitmask(vocabularySize: number): Handle;
  AcceptToken(id: number, isVerbose: boolean): boolean;
  IsTerminated(): boolean;
}

export interface Compiler extends Handle {
  CompileGrammar(grammar: Handle): Handle;
}

/** The functions of XGrammar that are used here, as its C++ has them. https://github.com/mlc-ai/xgrammar */
export interface Library {
  readonly vecStringFromJSArray: (texts: readonly string[]) => Handle;
  readonly vecIntFromJSArray: (numbers: readonly number[]) => Handle;
  /** A view into the memory, which the next call may move. */
  readonly vecIntToView: (vector: Handle) => Int32Array;
  readonly TokenizerInfo: new (
    vocabulary: Handle,
    type: 'BYTE_LEVEL',
    size: number,
    stops: Handle,
    isSpaceAdded: boolean,
  ) => Handle;
  readonly GrammarCompiler: new (tokenizer: Handle, threads: number, isCached: boolean) => Compiler;
  readonly GrammarMatcher: new (
    grammar: Handle,
    stops: undefined,
    endsWithoutStop: boolean,
    rollback: number,
  ) => Matcher;
  readonly Grammar: { FromEBNF(grammar: string, root: string): Handle };
}

interface Options {
  print(text: string): void;
  /** Called with the reason when the WebAssembly gives up; it must not be used again. */
  printErr(text: string): void;
}

interface Exports {
  createLibrary?: (options: Options) => Promise<Library>;
}

/** The place in the package at which its own function for an instance is known. */
const BEFORE = 'let binding = null;';

/** The package keeps a single instance for good; an instance that has given up must be replaced. */
const instantiate = (): ((options: Options) => Promise<Library>) => {
  const source = LIBRARY_SOURCE.replace(BEFORE, `exports.createLibrary = Module; ${BEFORE}`);
  const exported: Exports = {};
  const names = ['exports', 'module', 'process', 'location'];
  const run = compileFunction(source, names, { filename: 'web-xgrammar.js' });
  run(exported, {}, undefined, { href: 'file:///web-xgrammar.js' });
  const { createLibrary } = exported;
  if (createLibrary === undefined)
    throw new ServingError('INTERNAL', 'the package @mlc-ai/web-xgrammar has another form than library.ts expects');
  return createLibrary;
};

const createLibrary = instantiate();

/** An instance of its own, with its own memory. @param onError is told why the instance gives up */
export const loadLibrary = (onError: (reason: string) => void): Promise<Library> =>
  createLibrary({ print: () => undefined, printErr: onError });
