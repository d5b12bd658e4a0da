import { Migration } from '@mikro-orm/migrations';

const before = ['text', 'markdown', 'html', 'pdf', 'code'];
const added = ['docx', 'pptx', 'xlsx', 'csv', 'email', 'json', 'notebook', 'rtf', 'xml'];

/** More kinds of documents, the pages of their text, passwords to open them, and warnings with a code. */
export class Migration20261122000008_document_types extends Migration {
  override up(): void {
    this.allowTypes([...before, ...added]);
    this.addSql(`
      alter table document_generations
        add column pages jsonb not null default '[]',
        add column document_type text,
        add column declared_type text,
        add column password_sealed text,
        add constraint document_generations_document_type_check check (document_type in (${list([...before, ...added])})),
        add constraint document_generations_pages_check check (jsonb_typeof(pages) = 'array'),
        add constraint document_generations_password_sealed_check check (password_sealed like 'sealed:%')`);
    this.addSql(`
      update document_generations g
      set warnings = (select jsonb_agg(case jsonb_typeof(w) when 'string'
                                         then jsonb_build_object('code', 'partial_text', 'detail', w) else w end)
                      from jsonb_array_elements(g.warnings) w)
      where warnings <> '[]'`);
  }

  override down(): void {
    this.addSql(`
      update document_generations g
      set warnings = (select jsonb_agg(w -> 'detail') from jsonb_array_elements(g.warnings) w)
      where warnings <> '[]'`);
    this.addSql(`
      alter table document_generations drop column pages, drop column document_type, drop column declared_type,
        drop column password_sealed`);
    // What is of a newer type keeps its text, which reads like Markdown.
    this.addSql(`update documents set document_type = 'markdown' where document_type in (${list(added)})`);
    this.allowTypes(before);
  }

  private allowTypes(types: readonly string[]): void {
    this.addSql(`
      alter table documents drop constraint documents_document_type_check,
        add constraint documents_document_type_check check (document_type in (${list(types)}))`);
  }
}

function list(words: readonly string[]): string {
  return words.map((word) => `'${word}'`).join(', ');
}
