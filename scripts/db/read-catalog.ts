import { withConnection } from './throw-away-database.ts';

const queries = {
  column: `
    select format('%s.%s %s%s default %s generated %s', a.attrelid::regclass, a.attname,
             format_type(a.atttypid, a.atttypmod), case when a.attnotnull then ' not null' else '' end,
             coalesce(pg_get_expr(d.adbin, d.adrelid), '-'), a.attgenerated) as line
    from pg_attribute a join pg_class c on c.oid = a.attrelid left join pg_attrdef d on (d.adrelid, d.adnum) = (c.oid, a.attnum)
    where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p') and a.attnum > 0 and not a.attisdropped`,
  constraint: `
    select format('%s %s %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid)) as line
    from pg_constraint k where k.connamespace = 'public'::regnamespace and k.conrelid <> 0`,
  index: `select indexdef as line from pg_indexes where schemaname = 'public'`,
  policy: `
    select format('%s %s %s %s %s %s %s', tablename, policyname, permissive, roles, cmd, qual, with_check) as line
    from pg_policies where schemaname = 'public'`,
  security: `
    select format('%s row security %s %s persistence %s', c.oid::regclass, c.relrowsecurity, c.relforcerowsecurity, c.relpersistence)
      as line
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')`,
  owner: `
    select format('%s owner %s grants %s', c.oid::regclass, c.relowner::regrole,
             coalesce(c.relacl, acldefault(case when c.relkind = 'S' then 's'::"char" else 'r' end, c.relowner))) as line
    from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'S')`,
  trigger: `select pg_get_triggerdef(oid) as line from pg_trigger where not tgisinternal`,
  function: `
    select format('%s owner %s grants %s %s', p.oid::regprocedure, p.proowner::regrole,
             coalesce(p.proacl, acldefault('f', p.proowner)), pg_get_functiondef(p.oid)) as line
    from pg_proc p
    where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p')
      and not exists (select from pg_depend d where d.objid = p.oid and d.deptype = 'e')`,
  default: `
    select format('%s %s %s %s', defaclrole::regrole, defaclnamespace, defaclobjtype, defaclacl) as line from pg_default_acl`,
};

/** The kinds of things that a catalog consists of. */
export type CatalogKind = keyof typeof queries;

/**
 * Describes what is in the schema `public`, one line a thing, in a stable order: two databases with the same lines have
 * the same schema. The table of applied migrations is left out.
 */
export async function readCatalog(
  databaseUrl: string,
  kinds: readonly CatalogKind[] = Object.keys(queries) as CatalogKind[],
): Promise<string[]> {
  return withConnection(databaseUrl, async (login) => {
    const lines: string[] = [];
    for (const kind of kinds) {
      const { rows } = await login.query<{ line: string }>(queries[kind]);
      lines.push(...rows.map(({ line }) => `${kind} ${line}`));
    }
    return lines.filter((line) => !line.includes('mikro_orm_migrations')).sort();
  });
}

/** The lines that only one of two catalogs has, marked `-` for the first and `+` for the second. */
export function compareCatalogs(first: readonly string[], second: readonly string[]): string[] {
  const [left, right] = [new Set(first), new Set(second)];
  return [
    ...first.filter((line) => !right.has(line)).map((line) => `- ${line}`),
    ...second.filter((line) => !left.has(line)).map((line) => `+ ${line}`),
  ];
}
