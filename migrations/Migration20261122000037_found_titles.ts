import { Migration } from '@mikro-orm/migrations';

/** The title that a document bears itself, for those that were sent without one. */
export class Migration20261122000037_found_titles extends Migration {
  override up(): void {
    this.addSql(`alter table document_generations add column found_title text`);
  }

  override down(): void {
    this.addSql(`alter table document_generations drop column found_title`);
  }
}
