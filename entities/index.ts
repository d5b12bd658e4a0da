import { defineEntity, p } from '@mikro-orm/core';
export const entities = [defineEntity({ name: 'A', tableName: 'a', properties: { id: p.integer().primary() } })] as const;
