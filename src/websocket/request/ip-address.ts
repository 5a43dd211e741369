import { isIPv4, isIPv6 } from 'node:net';
import proxyAddr from 'proxy-addr';

/** An IPv4 address with a port; RFC 7239 §6 lets a proxy hide the port behind a name. */
const IPV4_AND_PORT = /^([\d.]+):[\w.-]+$/;
/** An IPv6 address in brackets, with or without a port. */
const BRACKETED = /^\[([^[\]]*)\](?::[\w.-]+)?$/;
/** An IPv4 address in the clothes of IPv6 (RFC 4291 §2.5.5.2), as sockets that listen to both kinds give it. */
const MAPPED = '::ffff:';
/** Addresses that name their network only together with an interface (RFC 4291 §2.5.6). */
const LINK_LOCAL = /^fe[89ab][0-9a-f]:/;
/** IPv4 clients behind a translator (RFC 6052 §2.1), the last 32 bits are theirs. */
const TRANSLATED = /^64:ff9b::([0-9a-f]{1,4})(?::([0-9a-f]{1,4}))?$/;

/** The address of a socket's peer, bare; `''` for a UNIX socket and for one that is closed and was never asked. */
export function peerAddress(remoteAddress: string | undefined): string {
  if (remoteAddress === undefined) return '';
  return remoteAddress.startsWith(MAPPED) ? unmapped(remoteAddress) : remoteAddress;
}

/**
 * The address in what a proxy writes: without port and brackets, an IPv6 address in the spelling of RFC 5952, a mapped
 * one as the IPv4 address that it is. `''` for anything else, such as `unknown` or a hidden name.
 */
export function readAddress(text: string): string {
  const bare = BRACKETED.exec(text)?.[1] ?? IPV4_AND_PORT.exec(text)?.[1] ?? text;
  if (isIPv4(bare)) return bare;
  return isIPv6(bare) ? canonical(bare) : '';
}

/**
 * What counts as one client: an IPv4 address, or the /64 of IPv6 that a provider gives to one customer, who could come
 * from as many addresses of it as he likes. Takes an address as `peerAddress` and `readAddress` give it.
 */
export function clientBlock(address: string): string {
  if (!address.includes(':') || LINK_LOCAL.test(address)) return address;
  const translated = TRANSLATED.exec(address);
  if (translated !== null) return dotted(translated[1] ?? '0', translated[2]);
  const [head = '', tail] = address.split('::');
  const first = groups(head);
  const last = tail === undefined ? [] : groups(tail);
  const zeros = Array.from({ length: Math.max(0, 8 - first.length - last.length) }, () => '0');
  return `${[...first, ...zeros, ...last].slice(0, 4).join(':')}::/64`;
}

/** An address that many clients may share because a proxy of the own network has it, or the own machine. */
export const isLocalNetwork: (address: string) => boolean = ((): ((address: string) => boolean) => {
  const trust = proxyAddr.compile(['loopback', 'linklocal', 'uniquelocal']);
  return (address) => trust(address, 0);
})();

function groups(part: string): string[] {
  return part === '' ? [] : part.split(':');
}

function canonical(address: string): string {
  const [unscoped = '', zone] = address.split('%', 2);
  const spelled = unmapped(new URL(`http://[${unscoped}]`).hostname.slice(1, -1));
  return zone === undefined || !spelled.includes(':') ? spelled : `${spelled}%${zone}`;
}

function unmapped(address: string): string {
  if (!address.startsWith(MAPPED)) return address;
  const rest = address.slice(MAPPED.length);
  if (isIPv4(rest)) return rest;
  const [high, low] = rest.split(':');
  return high === undefined || low === undefined ? address : dotted(high, low);
}

/** Two groups of IPv6 as the IPv4 address in them; one group is the lower one. */
function dotted(first: string, second: string | undefined): string {
  const high = second === undefined ? 0 : Number.parseInt(first, 16);
  const low = Number.parseInt(second ?? first, 16);
  return [high >> 8, high & 0xff, low >> 8, low & 0xff].join('.');
}
