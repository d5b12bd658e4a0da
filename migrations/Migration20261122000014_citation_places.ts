import { Migration } from '@mikro-orm/migrations';

/** The pages and headings of citations. */
export class Migration20261122000014_citation_places extends Migration {
  override up(): void {
    this.addSql(`
      alter table citations
        add column page integer,
        add column page_end integer,
        add column page_label text,
        add column headings jsonb not null default '[]',
        add constraint citations_headings_check check (jsonb_typeof(headings) = 'array')`);
  }

  override down(): void {
    this.addSql(`
      alter table citations drop column page, drop column page_end, drop column page_label, drop column headings`);
  }
}
