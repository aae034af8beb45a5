/**
 * Addresses that are not of the public internet: of this machine, its networks, or of no single one.
 * What a cloud tells its machines about themselves (169.254.169.254) is among them.
 */
import { BlockList, isIPv6 } from 'node:net';

const V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4',
  '240.0.0.0/4',
];
/** Those that hold an address of IPv4 (mapped, translated, tunnelled) are none of the public ones. */
const V6 = [
  '::/96',
  '::ffff:0:0/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/23',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
];

export const familyOf = (address: string) => (isIPv6(address) ? 'ipv6' : 'ipv4');

export function rangesOf(ranges: readonly string[]): BlockList {
  const list = new BlockList();
  for (const range of ranges) {
    const [network = '', bits = ''] = range.split('/');
    list.addSubnet(network, Number(bits), familyOf(network));
  }
  return list;
}

const special4 = rangesOf(V4);
const special6 = rangesOf(V6);

export function isPublic(address: string): boolean {
  const list = isIPv6(address) ? special6 : special4;
  return !list.check(address, familyOf(address));
}
