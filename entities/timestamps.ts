import { p } from '@mikro-orm/core';

/** When the row was made, by the database's clock. */
export const createdAt = () => p.datetime(6).defaultRaw('now()');

/** When the row was last changed; a trigger sets it for statements that do not. */
export const updatedAt = () =>
  p
    .datetime(6)
    .defaultRaw('now()')
    .onUpdate(() => new Date());
