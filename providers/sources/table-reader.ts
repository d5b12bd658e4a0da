import { PerdureError } from '../../contracts/errors.ts';
import type { OpenSourceDatabase, SourceDatabase } from './source-database.ts';

/** A row as text, its columns named as in `TableQuery`. */
export type TableRow = Record<string, unknown>;

/** What is read of a query or table: SQL expressions over its alias `q`. */
export interface TableQuery {
  /** What stands behind `from`, with the alias `q`. */
  readonly from: string;
  /** The name of the id's column. */
  readonly id: string;
  /** Expressions read for each row of a listing, by name. */
  readonly listed: Readonly<Record<string, string>>;
  /** Expressions read for one row. */
  readonly fetched: Readonly<Record<string, string>>;
  readonly pageSize: number;
  readonly statementTimeoutMs: number;
}

/** Reads rows by their ids, page by page, each page where the one before it ended. */
export interface TableReader {
  /** The first row with all that is read of one; null if there is none. */
  check(signal: AbortSignal): Promise<TableRow | null>;
  /** Rows after the id `after`, in the order of ids; fewer than a page at the end. */
  list(after: string | null, signal: AbortSignal): Promise<{ rows: TableRow[]; last: string | null }>;
  fetch(id: string, signal: AbortSignal): Promise<TableRow | null>;
  close(): Promise<void>;
}

/** Makes a reader that connects at its first statement. */
export function createTableReader(
  open: OpenSourceDatabase,
  connectionString: string | null,
  table: TableQuery,
): TableReader {
  let connected: Promise<SourceDatabase> | null = null;
  const database = () => {
    if (connectionString === null)
      throw new PerdureError(
        'source_configuration',
        'connection_string is missing. Set it to postgres://user:password@host/name.',
      );
    return (connected ??= open(connectionString, table.statementTimeoutMs));
  };
  const id = `q.${identifier(table.id)}`;
  const select = (columns: Readonly<Record<string, string>>) =>
    `select ${[`${id}::text as "row_id"`, ...Object.entries(columns).map(([name, sql]) => `${sql} as ${identifier(name)}`)].join(', ')}
     from ${table.from}`;
  return {
    async check(signal) {
      const query = `${select({ ...table.listed, ...table.fetched })} limit 1`;
      return (await (await database()).query(query, [], signal))[0] ?? null;
    },
    async list(after, signal) {
      const where = after === null ? `where ${id} is not null` : `where ${id} > $1`;
      const query = `${select(table.listed)} ${where} order by ${id} limit ${table.pageSize}`;
      const rows = await (await database()).query(query, after === null ? [] : [after], signal);
      const last = rows.length < table.pageSize ? null : String(rows.at(-1)!['row_id']);
      return { rows, last };
    },
    async fetch(value, signal) {
      const query = `${select(table.fetched)} where ${id} = $1 limit 1`;
      return (await (await database()).query(query, [value], signal))[0] ?? null;
    },
    async close() {
      await (await connected?.catch(() => null))?.close();
    },
  };
}

/** The text of a column, null where there is none. */
export function textIn(row: TableRow, name: string): string | null {
  const value = row[name];
  return typeof value === 'string' && value !== '' ? value : null;
}

/** A name as SQL writes it, whatever it holds. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
