import { Migration } from '@mikro-orm/migrations';
import { restateFunction, type Passage } from './functions/restate-function.ts';

/**
 * Lets what writes the items of an evaluation find each by its key, whatever the statistics say: of a run that began after
 * they were taken they say that it has hardly any items, and all of them were read at each write.
 */
export class Migration20261122000035_evaluation_plans extends Migration {
  override up(): void {
    this.addSql(restateFunction('write_item_changes', passages));
    for (const setting of settings) this.addSql(`alter function ${signature} set ${setting} = off`);
  }

  override down(): void {
    for (const setting of settings) this.addSql(`alter function ${signature} reset ${setting}`);
    this.addSql(
      restateFunction(
        'write_item_changes',
        passages.map(([before, after]) => [after, before]),
      ),
    );
  }
}

const signature = 'write_item_changes(uuid, uuid, jsonb)';
const settings = ['enable_hashjoin', 'enable_mergejoin', 'enable_seqscan'];

// The run is locked before its items, and these in their order, as everywhere. Being locked, an item keeps its place until it
// is written by it, so that no plan can join the whole run instead.
const passages: readonly Passage[] = [
  [
    `
      select i.ordinal, i.attempt from evaluations e join evaluation_items i on i.evaluation_id = e.id
      where e.id = evaluation and e.status = 'running'
        and i.ordinal in (select (c ->> 'ordinal')::integer from jsonb_array_elements(changes) c)
      order by i.ordinal for share of e for no key update of i)`,
    `
      select i.ordinal, i.attempt
      from (select id from evaluations where id = evaluation and status = 'running' for share) e
      cross join (select distinct (c ->> 'ordinal')::integer as ordinal from jsonb_array_elements(changes) c order by 1) o
      cross join lateral (
        select ordinal, attempt from evaluation_items where evaluation_id = e.id and ordinal = o.ordinal
        for no key update) i)`,
  ],
  [
    `
      group by ordinal) u
    where i.evaluation_id = evaluation and i.ordinal = u.ordinal;`,
    `
      group by ordinal) u
    cross join lateral (
      select ctid as place from evaluation_items where evaluation_id = evaluation and ordinal = u.ordinal offset 0) k
    where i.ctid = k.place;`,
  ],
];
