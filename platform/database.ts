import type { EntityManager } from '@mikro-orm/postgresql';

/** Transactions by role. Every statement of the product runs inside one of these. */
export interface Database {
  /** Runs `work` in one transaction as `perdure_app`, seeing only the rows of `workspaceId`. */
  inWorkspace<T>(workspaceId: string, work: (em: EntityManager) => Promise<T>): Promise<T>;
  /** Runs `work` in one transaction as `perdure_operator`, which bypasses row-level security. */
  asOperator<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
  /** Runs `work` in one transaction as `perdure_owner`: DDL only, such as registering an embedding model. */
  asOwner<T>(work: (em: EntityManager) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}
