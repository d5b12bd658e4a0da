import { lookup as systemLookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import ipaddr from 'ipaddr.js';
import { FetchError } from './fetch-error.ts';

/** An address that was checked; whoever connects to it asks no name server again. */
export interface CheckedAddress {
  readonly address: string;
  readonly family: 4 | 6;
}

/** Resolves a name to all of its addresses. */
export type ResolveHost = (host: string) => Promise<readonly string[]>;

/** Decides which hosts may be reached. */
export interface AddressPolicy {
  /**
   * The addresses of a host, all of them checked: one that is forbidden forbids the host.
   * @throws FetchError `address_forbidden`, or `fetch_failed` when the name is not known.
   */
  resolve(host: string, port: number, usualPorts: readonly number[]): Promise<readonly CheckedAddress[]>;
}

type Rule =
  | { readonly kind: 'range'; readonly range: [ipaddr.IPv4 | ipaddr.IPv6, number]; readonly port: number | null }
  | { readonly kind: 'host'; readonly host: string; readonly port: number | null };

const resolveBySystem: ResolveHost = async (host) =>
  (await systemLookup(host, { all: true, verbatim: true })).map(({ address }) => address);

/**
 * Makes the policy of one process. Only public addresses on usual ports may be reached, and what `allow` names: a host
 * (`wiki.internal`, `*.corp.example`), an address or a range (`10.1.0.0/16`), each with `:port` if it holds for that port
 * alone. A name in `allow` opens private addresses, but link-local ones, where clouds serve credentials, only as addresses.
 * @throws Error that names an entry of `allow` which is none of these.
 */
export function createAddressPolicy(allow: readonly string[], resolveHost = resolveBySystem): AddressPolicy {
  const rules = allow.map(parseRule);
  return {
    async resolve(host, port, usualPorts) {
      const name = host
        .replace(/^\[|\]$/g, '')
        .replace(/\.$/, '')
        .toLowerCase();
      const addresses = isIP(name) === 0 ? await resolveName(resolveHost, name) : [name];
      for (const address of addresses) {
        const reason = refusal(rules, { name, address, port, usualPorts });
        if (reason !== null) throw forbidden(name, port, reason);
      }
      return addresses.map((address) => ({ address, family: isIP(address) === 6 ? 6 : 4 }));
    },
  };
}

async function resolveName(resolveHost: ResolveHost, name: string): Promise<readonly string[]> {
  let addresses: readonly string[] = [];
  try {
    addresses = await resolveHost(name);
  } catch {
    // The name server's own text adds nothing to this.
  }
  if (addresses.length === 0)
    throw new FetchError('fetch_failed', `The name ${name} has no address. Check its spelling and the name server.`);
  return addresses;
}

type Target = { name: string; address: string; port: number; usualPorts: readonly number[] };

/** Why a target may not be reached, null when it may. */
function refusal(rules: readonly Rule[], { name, address, port, usualPorts }: Target): string | null {
  const parsed = ipaddr.process(address);
  const matching = rules.filter((rule) => rule.port === null || rule.port === port);
  if (matching.some((rule) => rule.kind === 'range' && inRange(parsed, rule.range))) return null;
  const kind = kindOf(parsed);
  if (kind !== 'linkLocal' && matching.some((rule) => rule.kind === 'host' && isNamed(name, rule.host))) return null;
  if (kind !== 'unicast') return `its address is not public (${words(kind)})`;
  return usualPorts.includes(port) ? null : `the port ${port} is not one of ${usualPorts.join(', ')}`;
}

/** `unicast` for a public address, else the name of its range; what IPv6 wraps of IPv4 is never public. */
function kindOf(address: ipaddr.IPv4 | ipaddr.IPv6): string {
  if (address.kind() === 'ipv4') return address.range();
  // Addresses outside of 2000::/3 are not given out (RFC 4291); among them are those that embed an IPv4 address.
  const kind = address.range();
  const isGlobal = ((address as ipaddr.IPv6).parts[0]! & 0xe000) === 0x2000;
  return kind === 'unicast' && !isGlobal ? 'reserved' : kind;
}

function inRange(address: ipaddr.IPv4 | ipaddr.IPv6, [network, bits]: [ipaddr.IPv4 | ipaddr.IPv6, number]): boolean {
  return address.kind() === network.kind() && address.match(network, bits);
}

function isNamed(name: string, rule: string): boolean {
  return rule.startsWith('*.') ? name.endsWith(rule.slice(1)) : name === rule;
}

function forbidden(name: string, port: number, reason: string): FetchError {
  return new FetchError(
    'address_forbidden',
    `${name}:${port} may not be reached: ${reason}. An operator can allow it by PERDURE_FETCH_ALLOW.`,
  );
}

function words(kind: string): string {
  return kind.replaceAll(/([a-z])([A-Z])/g, '$1 $2').toLowerCase();
}

function parseRule(entry: string): Rule {
  const text = entry.trim().toLowerCase();
  const bracketed = /^\[([^\]]+)\](?::(\d+))?$/.exec(text);
  const plain = /^([^:]+)(?::(\d+))?$/.exec(text);
  const [, target = text, port] = bracketed ?? plain ?? [];
  const portNumber = port === undefined ? null : Number(port);
  if (ipaddr.isValidCIDR(target)) return { kind: 'range', range: ipaddr.parseCIDR(target), port: portNumber };
  if (isIP(target) !== 0) {
    const address = ipaddr.process(target);
    return { kind: 'range', range: [address, address.kind() === 'ipv4' ? 32 : 128], port: portNumber };
  }
  if (!/^(?:\*\.)?[a-z0-9_](?:[a-z0-9._-]*[a-z0-9])?$/.test(target) || (portNumber ?? 0) > 65_535)
    throw new Error(`"${entry}" is no host, address or range; write wiki.internal, 10.1.0.0/16 or [fd00::1]:8080`);
  return { kind: 'host', host: target, port: portNumber };
}
