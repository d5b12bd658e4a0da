import { readFileSync } from 'node:fs';
import { statusSchema } from '../../contracts/status.ts';
import { countByState } from '../../entities/count-by-state.ts';
import { defineRoute } from '../framework/route.ts';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const get = defineRoute({
  method: 'GET',
  path: '/status',
  tag: 'Health',
  summary: 'Versions, and documents, jobs and turns by state',
  scope: 'usage:read',
  responses: { 200: statusSchema },
  transaction: async (em) => ({ status: 200, body: { version, ...(await countByState(em)) } }),
});

/** What an operator asks first. */
export const statusRoutes = [get];
