import type { EntityManager, EntityName, FilterQuery } from '@mikro-orm/postgresql';
import type { z } from 'zod';
import { PerdureError } from '../../contracts/errors.ts';
import { idParamsSchema } from '../../contracts/fields.ts';
import { pageOf, pageQuerySchema } from '../../contracts/page.ts';
import type { Principal } from './scope.ts';
import { readCursor, toPage, uuidCursor } from './page.ts';
import { defineRoute } from './route.ts';
import type { Route, RouteDeps } from './route.ts';
import { notFound } from './validate-request.ts';

/** A row that is found by its key, has a name, and is deleted softly. */
type NamedRow = { id: string; name: string; deletedAt?: Date | null | undefined };

/** What a resource's functions work with. */
export type ResourceContext = { em: EntityManager; deps: RouteDeps; principal: Principal };

/** A configured resource: its schemas, and the four things that differ between resources. */
export type Resource<Row extends NamedRow, Shown extends z.ZodType, Create, Update> = {
  path: `/${string}`;
  tag: string;
  /** As a sentence names one: `agent`. */
  noun: string;
  entity: EntityName<Row>;
  schema: Shown;
  createSchema: z.ZodType<Create>;
  updateSchema: z.ZodType<Update>;
  /** Bodies for the documentation. */
  examples: { create: Record<string, unknown>; update: Record<string, unknown> };
  /** Names every field that leaves. */
  present(rows: readonly Row[], em: EntityManager): Promise<Array<z.input<Shown>>>;
  create(body: Create, context: ResourceContext): Promise<Row>;
  update(row: Row, body: Update, context: ResourceContext): Promise<void>;
  /** What is told to others once a change is committed; a failure is only logged. */
  afterUpdate?(id: string, context: Pick<ResourceContext, 'deps' | 'principal'>): Promise<void>;
  /** What still refers to the row and so forbids its deletion, in words; null when nothing does. */
  usedBy(row: Row, em: EntityManager): Promise<string | null>;
};

/** Makes the five routes of a configured resource: create, list, get, change, delete. */
export function resourceRoutes<Row extends NamedRow, Shown extends z.ZodType, Create, Update>(
  resource: Resource<Row, Shown, Create, Update>,
): Route[] {
  const { path, tag, noun, entity, schema } = resource;
  const onePath = `${path}/{id}` as const;

  async function find(em: EntityManager, id: string): Promise<Row> {
    const row = await em.findOne(entity, { id, deletedAt: null } as FilterQuery<Row>);
    if (row === null) throw notFound(noun);
    return row;
  }

  async function show(em: EntityManager, row: Row): Promise<z.input<Shown>> {
    await em.flush();
    // The database sets the times, so the row is read as it now stands.
    await em.refresh(row);
    return (await resource.present([row], em))[0]!;
  }

  const create = defineRoute({
    method: 'POST',
    path,
    tag,
    summary: `Create ${article(noun)}`,
    scope: 'configuration:write',
    body: resource.createSchema,
    example: resource.examples.create,
    idempotent: true,
    responses: { 201: schema },
    transaction: async (em, { body, principal }, deps) => {
      const row = await resource.create(body, { em, deps, principal });
      return { status: 201, body: await show(em, row), headers: { location: `${path}/${row.id}` } };
    },
  });

  const list = defineRoute({
    method: 'GET',
    path,
    tag,
    summary: `List ${tag.toLowerCase()}, newest first`,
    scope: 'configuration:read',
    query: pageQuerySchema,
    responses: { 200: pageOf(schema) },
    transaction: async (em, { query: { limit, cursor } }) => {
      const beforeId = readCursor(cursor, uuidCursor);
      const where = { deletedAt: null, ...(beforeId === null ? {} : { id: { $lt: beforeId } }) } as FilterQuery<Row>;
      const rows = (await em.find(entity, where, {
        orderBy: [{ id: 'desc' }] as never,
        limit: limit + 1,
      })) as Row[];
      const page = toPage(
        rows,
        limit,
        (row) => row.id,
        (row) => row,
      );
      return { status: 200, body: { ...page, data: await resource.present(page.data, em) } };
    },
  });

  const get = defineRoute({
    method: 'GET',
    path: onePath,
    tag,
    summary: `One ${noun}`,
    scope: 'configuration:read',
    params: idParamsSchema,
    responses: { 200: schema },
    transaction: async (em, { params }) => {
      const [shown] = await resource.present([await find(em, params.id)], em);
      return { status: 200, body: shown };
    },
  });

  const update = defineRoute({
    method: 'PATCH',
    path: onePath,
    tag,
    summary: `Change ${article(noun)}; what is left out stays`,
    scope: 'configuration:write',
    params: idParamsSchema,
    body: resource.updateSchema,
    example: resource.examples.update,
    responses: { 200: schema },
    transaction: async (em, { params, body, principal }, deps) => {
      const row = await find(em, params.id);
      await resource.update(row, body, { em, deps, principal });
      return { status: 200, body: await show(em, row) };
    },
    afterCommit: async (_reply, { params, principal }, deps) => {
      await resource.afterUpdate?.(params.id, { deps, principal });
    },
  });

  const remove = defineRoute({
    method: 'DELETE',
    path: onePath,
    tag,
    summary: `Delete ${article(noun)} that nothing uses`,
    scope: 'configuration:write',
    params: idParamsSchema,
    responses: { 204: null },
    transaction: async (em, { params }) => {
      const row = await find(em, params.id);
      const user = await resource.usedBy(row, em);
      if (user !== null)
        throw new PerdureError(
          'conflict',
          `The ${noun} "${row.name}" is used by ${user}. Change or delete that first.`,
        );
      row.deletedAt = new Date();
      await em.flush();
      return { status: 204 };
    },
  });

  return [create, list, get, update, remove];
}

function article(noun: string): string {
  return `${/^[aeiou]/i.test(noun) ? 'an' : 'a'} ${noun}`;
}

/** The changes of a body whose fields are named as in the entity: what was left out (undefined) stays as it is. */
export function given<Changes extends Record<string, unknown>>(
  changes: Changes,
): { [Key in keyof Changes]?: Exclude<Changes[Key], undefined> } {
  return Object.fromEntries(Object.entries(changes).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Changes]?: Exclude<Changes[Key], undefined>;
  };
}
