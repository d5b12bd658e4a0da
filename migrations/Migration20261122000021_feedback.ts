import { Migration } from '@mikro-orm/migrations';

const isolated = `workspace_id = nullif(current_setting('perdure.workspace_id', true), '')::uuid`;

/** What people think of answers, and who gave a conversation its title. */
export class Migration20261122000021_feedback extends Migration {
  override up(): void {
    // Nobody knows who gave the titles that there are: a model replaces none of them.
    this.addSql(`
      alter table conversations
        add column title_by text not null default 'user' check (title_by in ('question', 'model', 'user'))`);
    this.addSql(`alter table conversations alter column title_by set default 'question'`);
    this.addSql(`update conversations set title_by = 'question' where title = ''`);
    this.addSql(`
      create table feedback (
        message_id uuid not null,
        user_id uuid not null,
        workspace_id uuid not null,
        rating smallint not null check (abs(rating) = 1),
        comment text not null default '',
        created_at timestamptz not null default now(),
        updated_at timestamptz not null default now(),
        primary key (message_id, user_id),
        foreign key (workspace_id, message_id) references messages (workspace_id, id) on delete cascade,
        foreign key (workspace_id, user_id) references users (workspace_id, id) on delete cascade
      )`);
    this.addSql(`create index feedback_message_id_idx on feedback (workspace_id, message_id)`);
    this.addSql(`create index feedback_user_id_idx on feedback (workspace_id, user_id)`);
    this.addSql(`create index feedback_created_at_idx on feedback (workspace_id, created_at)`);
    this.addSql(`alter table feedback enable row level security`);
    this.addSql(`create policy workspace_isolation on feedback to perdure_app using (${isolated})`);
    this.addSql(`create policy operator_access on feedback to perdure_operator using (true)`);
    this.addSql(`create trigger touch_updated_at before update on feedback for each row
      when (new.updated_at is not distinct from old.updated_at) execute function touch_updated_at()`);
  }

  override down(): void {
    this.addSql(`drop table feedback`);
    this.addSql(`alter table conversations drop column title_by`);
  }
}
