/**
 * Which addresses may be asked. Owns the meaning of the entries; names are resolved elsewhere, once,
 * and what was judged here is what is connected to.
 *
 * A1 The list is all that may be asked: without `public` in it, no public address is.
 * A2 A name in full allows whatever address that name has: the operator vouches for it. A name with
 *    a wildcard vouches for nobody: it allows public addresses only.
 * A3 Numbers and ranges are compared with the resolved address, whatever name was asked for.
 */
import { BlockList, isIP } from 'node:net';
import { familyOf, isPublic, rangesOf } from './special-addresses';

interface Entry {
  readonly port: number | undefined;
  allows(name: string, address: string): boolean;
}

const PORT = /^(.*?)(?::(\d{1,5}))?$/;
const NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*$/;

export class AllowList {
  private readonly entries: readonly Entry[];

  /** `public`, a name, `*.name`, an address, or a range; each with `:port` or without. Throws. */
  constructor(readonly listed: readonly string[]) {
    this.entries = listed.map(entryOf);
  }

  /** `name` and `address` as a URL writes them, without brackets. */
  allows(name: string, address: string, port: number): boolean {
    return this.entries.some(
      (entry) =>
        (entry.port === undefined || entry.port === port) &&
        entry.allows(name.toLowerCase().replace(/\.$/, ''), address),
    );
  }
}

function entryOf(text: string): Entry {
  const { host, port } = partsOf(text.trim().toLowerCase());
  if (host === 'public') return { port, allows: (_, address) => isPublic(address) };
  const range = rangeOf(host);
  if (range !== undefined) {
    return { port, allows: (_, address) => range.check(address, familyOf(address)) };
  }
  // Three numbers and a dot too few would look like a name that nobody has.
  if (!NAME.test(host) || /^[0-9.]+$/.test(host) || (port ?? 0) > 65_535) {
    throw new TypeError(
      `${JSON.stringify(text)} names no address: say public, a host, *.domain, an IP address or ` +
        'a range such as 10.0.0.0/8, each with :port or without',
    );
  }
  if (!host.startsWith('*.')) return { port, allows: (name) => name === host };
  const suffix = host.slice(1);
  return { port, allows: (name, address) => name.endsWith(suffix) && isPublic(address) }; // A2
}

function partsOf(text: string): { host: string; port: number | undefined } {
  const bracketed = /^\[([0-9a-f:.]+)\](?::(\d{1,5}))?$/.exec(text);
  const bare = isIP(text.split('/')[0] ?? '') === 6 ? [text, text] : PORT.exec(text);
  const [, host = text, port] = bracketed ?? bare ?? [];
  return { host, port: port === undefined ? undefined : Number(port) };
}

function rangeOf(host: string): BlockList | undefined {
  const [network = '', bits] = host.split('/');
  const family = isIP(network);
  if (family === 0) return undefined;
  const longest = family === 6 ? 128 : 32;
  const length = bits === undefined ? longest : Number(bits);
  if (!/^\d{1,3}$/.test(bits ?? '0') || length > longest) return undefined;
  return rangesOf([`${network}/${length}`]);
}
