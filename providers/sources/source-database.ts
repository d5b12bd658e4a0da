/** A connection to somebody else's PostgreSQL, which only reads. */
export interface SourceDatabase {
  /** Runs one statement in a read-only transaction of its own. @throws PerdureError with a code of the source. */
  query(text: string, parameters: readonly unknown[], signal: AbortSignal): Promise<Record<string, unknown>[]>;
  close(): Promise<void>;
}

/** Connects by a connection string; what it may reach is the address policy's to say. */
export type OpenSourceDatabase = (connectionString: string, statementTimeoutMs: number) => Promise<SourceDatabase>;
