import { Migration } from '@mikro-orm/migrations';
import { restateFunction, type Passage } from './functions/restate-function.ts';

/**
 * Lets what writes the items of an evaluation find each call by its key, as it finds items: of calls that were booked after
 * the statistics were taken, all of the workspace were read for each of those that ended.
 */
export class Migration20261122000039_evaluation_calls extends Migration {
  override up(): void {
    this.addSql(restateFunction('write_item_changes', passages));
  }

  override down(): void {
    this.addSql(
      restateFunction(
        'write_item_changes',
        passages.map(([before, after]) => [after, before]),
      ),
    );
  }
}

// Being locked, a row keeps its place until it is written by it.
const passages: readonly Passage[] = [
  [
    `
              from jsonb_array_elements(changes) c where c ? 'settle') s
        join usage_metrics m on m.id = s.id
        cross join lateral (`,
    `
              from jsonb_array_elements(changes) c where c ? 'settle') s
        cross join lateral (
          select ctid as place, pricing from usage_metrics where id = s.id and state = 'started' for no key update) m
        cross join lateral (`,
  ],
  [
    `
        where u.id = s.id and u.state = 'started'
        returning`,
    `
        where u.ctid = m.place
        returning`,
  ],
  [
    `
      from jsonb_array_elements(mine) c where c ? 'answer' and k.id = (c -> 'answer' ->> 'id')::uuid and k.state = 'started';`,
    `
      from jsonb_array_elements(mine) c
      cross join lateral (
        select ctid as place from evaluation_calls where id = (c -> 'answer' ->> 'id')::uuid and state = 'started'
        for no key update) m
      where c ? 'answer' and k.ctid = m.place;`,
  ],
];
