import type { Database } from '../../platform/database.ts';

/** What the steps that maintain indexes of vectors are made with. */
export type MaintenanceDeps = {
  database: Database;
  /** Bytes that the database's disk has left; null where nobody knows. */
  readDiskRoom(): Promise<number | null>;
};
