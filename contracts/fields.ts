import { z } from 'zod';

/** A row's key. */
export const idField = z.uuid();

/** A moment in UTC, ISO 8601. */
export const timeField = z.iso.datetime();

/** The name of a resource, unique in its workspace. */
export const nameField = z.string().trim().min(1).max(200);

/** A JSON object of the caller's own. */
export const jsonObjectField = z.record(z.string(), z.unknown());

/** The external id of an end user; the users row is made when it is first seen. */
export const userField = z.string().trim().min(1).max(255);

/** Path parameters of one resource. */
export const idParamsSchema = z.strictObject({ id: idField });

/** The keys that every stored resource shows. */
export const timestampFields = { created_at: timeField, updated_at: timeField };
