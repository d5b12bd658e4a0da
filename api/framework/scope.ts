/** Areas that a key may be allowed to read or to write. */
export const scopeAreas = [
  'documents',
  'conversations',
  'memory',
  'configuration',
  'evaluations',
  'usage',
  'maintenance',
  'keys',
] as const;

type ScopeArea = (typeof scopeAreas)[number];

/** What a route demands of a key. */
export type Scope = `${ScopeArea}:${'read' | 'write'}`;

export type Role = 'admin' | 'member' | 'viewer';

/** Whose key a request carries. */
export type Principal = { keyId: string; workspaceId: string; role: Role; scopes: readonly string[] };

const memberWrites: readonly Scope[] = ['documents:write', 'conversations:write', 'memory:write', 'evaluations:write'];

/**
 * Whether a key may do what `scope` names: its role must allow it (a viewer reads, a member also writes documents,
 * conversations, memories and evaluations, an admin all), and its own scopes, if it has any, narrow the role.
 */
export function allows(principal: Principal, scope: Scope): boolean {
  const byRole =
    principal.role === 'admin' ||
    (scope.endsWith(':read') && scope !== 'keys:read') ||
    (principal.role === 'member' && memberWrites.includes(scope));
  return byRole && (principal.scopes.length === 0 || principal.scopes.includes(scope));
}
