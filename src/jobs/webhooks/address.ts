import { type LookupAddress, lookup } from 'node:dns';
import { BlockList, isIPv4, type LookupFunction } from 'node:net';

/** Networks that are not the public internet. https://www.iana.org/assignments/iana-ipv4-special-registry */
const PRIVATE: readonly (readonly [network: string, prefix: number])[] = [
  ...([
    ['0.0.0.0', 8],
    ['10.0.0.0', 8],
    ['100.64.0.0', 10],
    ['127.0.0.0', 8],
    ['169.254.0.0', 16],
  ] as const),
  ...([
    ['172.16.0.0', 12],
    ['192.0.0.0', 24],
    ['192.0.2.0', 24],
    ['192.88.99.0', 24],
    ['192.168.0.0', 16],
  ] as const),
  ...([
    ['198.18.0.0', 15],
    ['198.51.100.0', 24],
    ['203.0.113.0', 24],
    ['224.0.0.0', 3],
  ] as const),
];

/** The only networks of IPv6 that are public; those within them that lead into IPv4, or nowhere, are not. */
const PUBLIC_IPV6 = ['2000::', 3] as const;
const PRIVATE_IPV6: typeof PRIVATE = [
  ['2001::', 23],
  ['2001:db8::', 32],
  ['2002::', 16],
  ['3fff::', 20],
];

const listOf = (networks: typeof PRIVATE, family: 'ipv4' | 'ipv6'): BlockList => {
  const list = new BlockList();
  for (const [network, prefix] of networks) list.addSubnet(network, prefix, family);
  return list;
};
const privateIpv4 = listOf(PRIVATE, 'ipv4');
const privateIpv6 = listOf(PRIVATE_IPV6, 'ipv6');
const publicIpv6 = listOf([PUBLIC_IPV6], 'ipv6');

/** Tells whether an address lies on the public internet: not on this machine, in a private network, or beside a link. */
export const isPublicAddress = (address: string): boolean =>
  isIPv4(address)
    ? !privateIpv4.check(address, 'ipv4')
    : publicIpv6.check(address, 'ipv6') && !privateIpv6.check(address, 'ipv6');

/** All addresses of a name. */
export type Resolve = (
  name: string,
  done: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

const resolveAll: Resolve = (name, done) => lookup(name, { all: true }, done);

/**
 * Resolves for a connection, which goes to the address that was checked: a name that has a private address a moment later gains nothing.
 * A name with any private address is refused.
 */
export const publicLookup =
  (resolve: Resolve = resolveAll): LookupFunction =>
  (name, { all }, callback) =>
    resolve(name, (error, addresses) => {
      const refused = addresses?.find(({ address }) => !isPublicAddress(address));
      const [first] = addresses ?? [];
      if (error || first === undefined) return callback(error ?? new Error(`${name} has no address`), '');
      if (refused) return callback(new Error(`${name} leads to ${refused.address}, which is no public address`), '');
      if (all) return callback(null, [...addresses]);
      callback(null, first.address, first.family);
    });
