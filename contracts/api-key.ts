import { z } from 'zod';
import { idField, nameField, timeField, timestampFields } from './fields.ts';

const roles = ['admin', 'member', 'viewer'] as const;

/** What a key may be narrowed to; without any it may do all that its role may. */
export const scopeNames = [
  'documents:read',
  'documents:write',
  'conversations:read',
  'conversations:write',
  'memory:read',
  'memory:write',
  'configuration:read',
  'configuration:write',
  'evaluations:read',
  'evaluations:write',
  'usage:read',
  'maintenance:read',
  'maintenance:write',
  'keys:read',
  'keys:write',
] as const;

/** An API key without its secret; `prefix` is how it begins. */
export const apiKeySchema = z.strictObject({
  id: idField,
  name: z.string(),
  prefix: z.string(),
  role: z.enum(roles),
  scopes: z.array(z.string()),
  last_used_at: timeField.nullable(),
  expires_at: timeField.nullable(),
  revoked_at: timeField.nullable(),
  ...timestampFields,
});

export type ApiKey = z.infer<typeof apiKeySchema>;

/** Answer of `POST /api-keys`: the only time that the key itself is shown. */
export const apiKeyCreatedSchema = apiKeySchema.extend({
  key: z.string().nullable().describe('null when the answer is replayed by an Idempotency-Key'),
});

/** Body of `POST /api-keys`. */
export const createApiKeySchema = z.strictObject({
  name: nameField,
  role: z.enum(roles).describe('viewer reads; member also writes documents, conversations and memories; admin all'),
  scopes: z.array(z.enum(scopeNames)).max(scopeNames.length).default([]).describe('Narrow the role; none: all of it'),
  expires_at: z.iso.datetime({ offset: true }).nullable().default(null),
});
