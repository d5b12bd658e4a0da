import type { EntityManager } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { idParamsSchema } from '../../contracts/fields.ts';
import { pageOf, pageQuerySchema } from '../../contracts/page.ts';
import {
  findVersion,
  listVersions,
  type VersionRow,
  type Versioned,
} from '../../entities/agents/version-repository.ts';
import { readCursor, sequenceCursor, toPage } from './page.ts';
import { defineRoute, type Route } from './route.ts';
import { notFound } from './validate-request.ts';
import { versionParamsSchema } from './version-params.ts';

/** What has versions, and how they are shown. */
export type VersionedResource<Kind extends Versioned, Shown extends z.ZodType> = {
  path: `/${string}`;
  tag: string;
  /** As a sentence names one: `an agent`. */
  noun: string;
  kind: Kind;
  schema: Shown;
  present(row: VersionRow<Kind>): z.input<Shown>;
  /** @throws PerdureError `not_found` when there is no such row any more. */
  requireOwner(em: EntityManager, id: string): Promise<unknown>;
};

/** Makes the two routes that read versions: all of one row, newest first, and one of them. */
export function versionRoutes<Kind extends Versioned, Shown extends z.ZodType>({
  path,
  tag,
  noun,
  kind,
  schema,
  present,
  requireOwner,
}: VersionedResource<Kind, Shown>): Route[] {
  const list = defineRoute({
    method: 'GET',
    path: `${path}/{id}/versions`,
    tag,
    summary: `The versions of ${noun}, newest first`,
    scope: 'configuration:read',
    params: idParamsSchema,
    query: pageQuerySchema,
    responses: { 200: pageOf(schema) },
    transaction: async (em, { params, query: { limit, cursor } }) => {
      await requireOwner(em, params.id);
      const before = readCursor(cursor, sequenceCursor);
      const beforeVersion = before === null ? null : Number(before);
      const rows = await listVersions(em, kind, params.id, { beforeVersion, limit: limit + 1 });
      return { status: 200, body: toPage(rows, limit, (row) => row.version, present) };
    },
  });
  const get = defineRoute({
    method: 'GET',
    path: `${path}/{id}/versions/{version}`,
    tag,
    summary: `One version of ${noun}, as it was`,
    scope: 'configuration:read',
    params: versionParamsSchema,
    responses: { 200: schema },
    transaction: async (em, { params }) => {
      await requireOwner(em, params.id);
      return { status: 200, body: present(await requireVersion(em, kind, params)) };
    },
  });
  return [list, get];
}

/** One version of a row. @throws PerdureError `not_found` */
export async function requireVersion<Kind extends Versioned>(
  em: EntityManager,
  kind: Kind,
  { id, version }: { id: string; version: number },
): Promise<VersionRow<Kind>> {
  const row = await findVersion(em, kind, id, version);
  if (row === null) throw notFound('version');
  return row;
}
