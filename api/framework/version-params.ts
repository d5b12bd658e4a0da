import { z } from 'zod';
import { idField } from '../../contracts/fields.ts';

/** Path parameters of one version of a resource. */
export const versionParamsSchema = z.strictObject({
  id: idField,
  version: z.coerce.number().int().min(1).max(2_000_000_000),
});
