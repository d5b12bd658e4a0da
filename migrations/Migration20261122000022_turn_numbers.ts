import { Migration } from '@mikro-orm/migrations';

/**
 * Turns are numbered in their conversation. Numbers are given under the conversation's lock, so that none becomes visible
 * after a higher one: who has seen the turns up to a number has missed none.
 */
export class Migration20261122000022_turn_numbers extends Migration {
  override up(): void {
    this.addSql(`alter table turns add column number integer`);
    this.addSql(`
      update turns t set number = n.number
      from (select id, row_number() over (partition by conversation_id order by created_at, id) as number from turns) n
      where n.id = t.id`);
    this.addSql(`alter table turns alter column number set not null`);
    this.addSql(`
      alter table turns
        add constraint turns_conversation_id_number_key unique (workspace_id, conversation_id, number)`);
    this.addSql(`drop index turns_conversation_id_idx`);
    // A trigger, so that processes of the version before go on while replicas are replaced.
    this.addSql(`
      create function number_turn() returns trigger language plpgsql set search_path = public, pg_temp as $function$
      begin
        select coalesce(max(t.number), 0) + 1 into new.number from turns t
        where t.workspace_id = new.workspace_id and t.conversation_id = new.conversation_id;
        return new;
      end $function$`);
    this.addSql(`create trigger number_turn before insert on turns for each row
      when (new.number is null) execute function number_turn()`);
  }

  override down(): void {
    this.addSql(`drop trigger number_turn on turns`);
    this.addSql(`drop function number_turn()`);
    this.addSql(`create index turns_conversation_id_idx on turns (workspace_id, conversation_id, created_at)`);
    this.addSql(`alter table turns drop column number`);
  }
}
