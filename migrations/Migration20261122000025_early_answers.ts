import { Migration } from '@mikro-orm/migrations';

/**
 * An answer may be begun before the conversation's workflow has heard of its turn. Until `leased_until` nobody else goes on
 * with it; `activity_id` is `early` until an activity of the workflow has it.
 */
export class Migration20261122000025_early_answers extends Migration {
  override up(): void {
    this.addSql(`alter table turns add column leased_until timestamptz`);
    this.addSql(`create index turns_unheard_idx on turns (updated_at) where activity_id = 'early'`);
  }

  override down(): void {
    this.addSql(`drop index turns_unheard_idx`);
    this.addSql(`alter table turns drop column leased_until`);
  }
}
