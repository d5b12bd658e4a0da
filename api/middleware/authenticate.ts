import { createHash } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { PerdureError } from '../../contracts/errors.ts';
import { findApiKey } from '../../entities/tenancy/api-key-repository.ts';
import type { Database } from '../../platform/database.ts';
import type { Principal } from '../framework/scope.ts';

/** How long a verdict on a key is reused: the longest that a revoked key goes on working in one process. */
const verdictLifetimeMs = 5_000;
const mostVerdicts = 10_000;

type Verdict = { principal: Principal | null; until: number };

/** Tells whose key a request carries, asking the database at most once in five seconds for each key. */
export class KeyVerifier {
  readonly #database: Database;
  readonly #verdicts = new Map<string, Verdict>();

  constructor(database: Database) {
    this.#database = database;
  }

  /** The key's owner. @throws PerdureError `unauthenticated` when no key is given, or one that is not valid (any more). */
  async verify(headers: IncomingHttpHeaders, method: string): Promise<Principal> {
    const key = readKey(headers, method);
    if (key === null)
      throw new PerdureError(
        'unauthenticated',
        'Send an API key as "Authorization: Bearer pk_…" or "x-api-key: pk_…". The first key was printed at the first start.',
      );
    const principal = await this.#principalOf(createHash('sha256').update(key).digest());
    if (principal === null)
      throw new PerdureError('unauthenticated', 'The API key is unknown, revoked or expired. Use another one.');
    return principal;
  }

  async #principalOf(hash: Buffer): Promise<Principal | null> {
    const id = hash.toString('base64');
    const known = this.#verdicts.get(id);
    if (known && known.until > performance.now()) return known.principal;
    const row = await this.#database.asOperator((em) => findApiKey(em, hash));
    const principal = row && { keyId: row.id, workspaceId: row.workspace_id, role: row.role, scopes: row.scopes };
    this.#verdicts.delete(id);
    this.#verdicts.set(id, { principal, until: performance.now() + verdictLifetimeMs });
    if (this.#verdicts.size > mostVerdicts) this.#verdicts.delete(this.#verdicts.keys().next().value!);
    return principal;
  }
}

function readKey(headers: IncomingHttpHeaders, method: string): string | null {
  const direct = headers['x-api-key'];
  if (typeof direct === 'string' && direct !== '') return direct;
  const [scheme, credentials] = (headers.authorization ?? '').split(' ', 2);
  if (!scheme || !credentials) return null;
  if (scheme.toLowerCase() === 'bearer') return credentials;
  // A browser that opens /docs asks for a name and a password: the name is free, the key is the password.
  if (scheme.toLowerCase() !== 'basic') return null;
  // A browser remembers the password: another site's page must not be able to change anything with it.
  const foreign = headers['sec-fetch-site'] === 'cross-site' || headers['sec-fetch-site'] === 'same-site';
  if (foreign && method !== 'GET' && method !== 'HEAD') return null;
  const pair = Buffer.from(credentials, 'base64').toString('utf8');
  return pair.slice(pair.indexOf(':') + 1) || null;
}
