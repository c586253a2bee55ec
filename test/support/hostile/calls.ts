import { asPickle, global, pickleOf, reduce, text } from '../pickle-assembler.ts';
import { type HostileFile, pickles } from './case.ts';

/** Functions that published exploits call: of shells, of code, of imports, of files, of networks, and of readers of further formats. */
const FUNCTIONS = [
  ...[
    'os.system',
    'posix.system',
    'nt.system',
    'os.popen',
    'os.execl',
    'os.spawnlp',
    'os.posix_spawn',
    'nt.startfile',
    'os.putenv',
  ],
  ...[
    'subprocess.Popen',
    'subprocess.call',
    'subprocess.run',
    'subprocess.check_output',
    'subprocess.getoutput',
    'commands.getoutput',
  ],
  ...[
    'pty.spawn',
    'distutils.spawn.spawn',
    'asyncio.create_subprocess_shell',
    'asyncio.unix_events._UnixSubprocessTransport._start',
  ],
  ...[
    'multiprocessing.Process',
    'threading.Thread',
    'concurrent.futures.ProcessPoolExecutor',
    'signal.alarm',
    'sys.exit',
    'sys.settrace',
  ],
  ...[
    'builtins.eval',
    'builtins.exec',
    'builtins.compile',
    'builtins.__import__',
    'builtins.getattr',
    'builtins.setattr',
    'builtins.open',
  ],
  ...[
    'builtins.breakpoint',
    'builtins.globals',
    'builtins.type',
    'builtins.map',
    'builtins.filter',
    'builtins.input',
    'builtins.classmethod',
  ],
  ...[
    '__builtin__.eval',
    '__builtin__.execfile',
    '__builtin__.file',
    '__builtin__.apply',
    '__builtin__.reload',
    '__main__.Exploit',
  ],
  ...[
    'importlib.import_module',
    'importlib.machinery.SourceFileLoader',
    'imp.load_source',
    'zipimport.zipimporter',
    'pkgutil.get_loader',
  ],
  ...[
    'runpy.run_path',
    'runpy._run_code',
    'runpy.run_module',
    'code.interact',
    'codeop.compile_command',
    'timeit.timeit',
    'cProfile.run',
  ],
  ...[
    'profile.run',
    'pdb.run',
    'bdb.Bdb.run',
    'trace.Trace.run',
    'doctest.debug_script',
    'pydoc.pipepager',
    'linecache.getlines',
  ],
  ...[
    'marshal.loads',
    'types.FunctionType',
    'types.CodeType',
    'types.MethodType',
    'weakref.finalize',
    'atexit.register',
    'gc.get_objects',
  ],
  ...[
    'pip.main',
    'pip._internal.main',
    'ensurepip._run_pip',
    'venv.create',
    'setuptools.sandbox.run_setup',
    'webbrowser.open',
  ],
  ...[
    'ctypes.CDLL',
    'ctypes.util.find_library',
    'cffi.FFI',
    'socket.create_connection',
    'urllib.request.urlopen',
    'http.client.HTTPConnection',
  ],
  ...[
    'requests.get',
    'smtplib.SMTP',
    'ftplib.FTP',
    'imaplib.IMAP4_stream',
    'xmlrpc.client.ServerProxy',
    'logging.config.listen',
  ],
  ...[
    'shutil.rmtree',
    'shutil.copyfile',
    'pathlib.Path.write_text',
    '_io.FileIO',
    'codecs.open',
    'tempfile.NamedTemporaryFile',
  ],
  ...[
    'sqlite3.connect',
    'tarfile.open',
    'zipfile.ZipFile',
    'uuid._get_command_stdout',
    '_osx_support._read_output',
    'os.unlink',
  ],
  ...[
    'pickle.loads',
    '_pickle.loads',
    'joblib.load',
    'dill._dill._create_function',
    'cloudpickle.cloudpickle._make_function',
  ],
  ...[
    'torch.load',
    'torch.hub.load',
    'torch.storage._load_from_bytes',
    'numpy.load',
    'numpy.f2py.compile',
    'pandas.read_pickle',
    'pandas.eval',
  ],
  ...[
    'numpy.testing._private.utils.runstring',
    'numpy.distutils.exec_command.exec_command',
    'sympy.sympify',
    'yaml.unsafe_load',
  ],
  ...[
    'jsonpickle.decode',
    'keras.models.load_model',
    'tensorflow.io.write_file',
    'transformers.pipeline',
    'mlflow.pyfunc.load_model',
  ],
  ...[
    'operator.attrgetter',
    'operator.methodcaller',
    'functools.partial',
    'functools.reduce',
    'itertools.starmap',
    'copyreg.add_extension',
  ],
  ...[
    '_codecs.decode',
    'codecs.decode',
    'sklearn.datasets._base.load_files',
    'scipy.io.loadmat',
    'idlelib.pyshell.ModifiedInterpreter',
  ],
];

const split = (path: string): [module: string, name: string] => [
  path.slice(0, path.lastIndexOf('.')),
  path.slice(path.lastIndexOf('.') + 1),
];

const COMMAND = text('touch canary');

const system = global('os', 'system');
const run = reduce(system, COMMAND);

const getattr = (target: Uint8Array, name: string): Buffer => reduce(global('builtins', 'getattr'), target, text(name));

/** Ways to name and to call a function. */
const WAYS = pickles({
  'os.system by INST': () => pickleOf('(', COMMAND, 'ios\nsystem\n.'),
  'os.system by OBJ': () => pickleOf('(', system, COMMAND, 'o.'),
  'os.system by NEWOBJ': () => asPickle(system, COMMAND, 0x85, 0x81),
  'os.system by NEWOBJ_EX': () => asPickle(system, COMMAND, 0x85, '}', 0x92),
  'os.system by STACK_GLOBAL': () => asPickle(text('os'), text('system'), 0x93, COMMAND, 0x85, 'R'),
  'STACK_GLOBAL of parts in the memo': () =>
    asPickle(text('system'), 0x94, '0', text('os'), 'h', 0, 0x93, COMMAND, 0x85, 'R'),
  'STACK_GLOBAL of numbers': () => asPickle('K', 1, 'K', 2, 0x93),
  'a dotted name': () => asPickle(reduce(global('os', 'path.os.system'), COMMAND)),
  'a name of Python 2 with a dot': () => asPickle(reduce(global('__builtin__', 'eval.__call__'), COMMAND)),
  'a chain of getattr': () =>
    asPickle(
      getattr(getattr(reduce(global('builtins', '__import__'), text('os')), 'system'), '__call__'),
      COMMAND,
      0x85,
      'R',
    ),
  'the classes below object': () =>
    asPickle(getattr(getattr(global('builtins', 'object'), '__subclasses__'), '__call__'), ')R'),
  'a call of the result of a call': () => asPickle(run, COMMAND, 0x85, 'R'),
  'a call of a text': () => asPickle(COMMAND, COMMAND, 0x85, 'R'),
  'arguments that are no tuple': () => asPickle(system, COMMAND, 'R'),
  '__reduce__ in a state': () => asPickle(global('m', 'A'), ')', 0x81, '}', text('__reduce__'), system, 'sb'),
  '__setstate__ in a state': () =>
    asPickle(global('m', 'A'), ')', 0x81, '}', text('__setstate__'), system, 'sb', COMMAND, 'b'),
  'BUILD of a class': () => asPickle(global('m', 'A'), '}', text('__class__'), system, 'sb'),
  'copyreg._reconstructor': () =>
    asPickle(reduce(global('copyreg', '_reconstructor'), system, global('builtins', 'object'), COMMAND)),
  'copyreg.__newobj__': () => asPickle(reduce(global('copyreg', '__newobj__'), system, COMMAND)),
  'copyreg.__newobj__ of itself': () =>
    asPickle(reduce(global('copyreg', '__newobj__'), ...Array<Buffer>(1000).fill(global('copyreg', '__newobj__')))),
  'copyreg._reconstructor of a text': () =>
    asPickle(reduce(global('copyreg', '_reconstructor'), COMMAND, COMMAND, COMMAND)),
  'a call as the key of a dict': () => asPickle('}', run, 'Ns'),
  'a call within a set': () => asPickle(0x8f, '(', run, 0x90),
  'a call that is dropped': () => asPickle(run, '0N'),
  'a defaultdict that calls': () => asPickle(reduce(global('collections', 'defaultdict'), system)),
  'an OrderedDict of calls': () => asPickle(reduce(global('collections', 'OrderedDict'), pickleOf('(', run, 'l'))),
  'a list subclass that calls at append': () => asPickle(global('m', 'A'), ')', 0x81, run, 'a', COMMAND, run, 's'),
  'text in the place of bytes': () => asPickle(reduce(global('_codecs', 'encode'), COMMAND, text('rot13'))),
  'a name with a line feed in its text': () =>
    asPickle(text('os\nimport evil'), text('system'), 0x93, COMMAND, 0x85, 'R'),
  'names without characters': () => pickleOf('c\n\n)R.'),
  'names with zeros': () => asPickle(reduce(global('os\0', '\0system'), COMMAND)),
  'a name of a megabyte': () => asPickle(reduce(global('os', 'x'.repeat(1e6)), COMMAND)),
  'a class named __proto__': () => asPickle(reduce(global('__proto__', '__proto__'), COMMAND)),
  'a class named constructor': () => asPickle(reduce(global('constructor', 'constructor'), COMMAND)),
  'a second pickle behind the end': () => Buffer.concat([pickleOf('N.'), asPickle(run)]),
  EXT1: () => asPickle(0x82, 1),
  EXT2: () => asPickle(0x83, 1, 1),
  EXT4: () => asPickle(0x84, 1, 1, 1, 1),
  PERSID: () => asPickle('Pos.system\n'),
  BINPERSID: () => asPickle(run, 'Q'),
  NEXT_BUFFER: () => pickleOf(0x80, 5, 0x97, 0x98, '.'),
});

/** Pickles that want to run something. */
export const CALLS: readonly HostileFile[] = [
  ...FUNCTIONS.map(
    (path): HostileFile => ({
      name: path,
      format: 'pickle',
      make: () => asPickle(reduce(global(...split(path)), COMMAND)),
    }),
  ),
  ...WAYS,
];
