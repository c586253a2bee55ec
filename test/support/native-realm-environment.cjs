const { tmpdir } = require('node:os');
const { join } = require('node:path');
const { TestEnvironment } = require('jest-environment-node');

// Set in the real environment: what a test sets stays in its own realm.
process.env.ORT_DISABLE_TELEMETRY = '1';
// Programs that tests start, start in half the time.
process.env.NODE_COMPILE_CACHE ??= join(tmpdir(), 'node-compile-cache');
// The account, region and endpoints of whoever runs the tests are none of theirs.
for (const name of Object.keys(process.env)) if (name.startsWith('AWS_')) delete process.env[name];

// A worker that has nothing left to do ends without freeing its heap object by object.
process.once('beforeExit', () => process.exit());

/** onnxruntime checks its inputs against the constructors of the outer realm; jest's own realm would have others. */
const SHARED = [
  'ArrayBuffer',
  'BigInt64Array',
  'BigUint64Array',
  'Float16Array',
  'Float32Array',
  'Float64Array',
  'Int8Array',
  'Int16Array',
  'Int32Array',
  'Uint8Array',
  'Uint16Array',
  'Uint32Array',
];

module.exports = class NativeRealmEnvironment extends TestEnvironment {
  async setup() {
    await super.setup();
    for (const name of SHARED) this.global[name] = globalThis[name];
  }
};
