import { Migration } from '@mikro-orm/migrations';

/** How often the workflow of a sync was started again after somebody had ended it from outside. */
export class Migration20261122000015_sync_restarts extends Migration {
  override up(): void {
    this.addSql(`
      alter table source_syncs
        add column restarts integer not null default 0,
        add constraint source_syncs_restarts_check check (restarts >= 0)`);
  }

  override down(): void {
    this.addSql(`alter table source_syncs drop column restarts`);
  }
}
