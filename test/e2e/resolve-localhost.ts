/**
 * Resolves `<api-id>.execute-api.localhost`, where the emulator serves HTTP APIs, as RFC 6761 asks and some C libraries do not.
 * Preloaded into the command line and imported by the test.
 */
import dns from 'node:dns';

const { lookup } = dns;

Object.assign(dns, {
  lookup: (hostname: string, ...rest: unknown[]) =>
    Reflect.apply(lookup, dns, [hostname.endsWith('.localhost') ? '127.0.0.1' : hostname, ...rest]),
});
