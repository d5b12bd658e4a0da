import { conversationRoutes } from './conversations/routes.ts';
import { documentRoutes } from './documents/routes.ts';
import type { Route } from './framework/route.ts';
import { metricsRoutes } from './health/routes.ts';
import { ingestionJobRoutes } from './ingestion-jobs/routes.ts';
import { statusRoutes } from './status/routes.ts';
import { turnRoutes } from './turns/routes.ts';

/** Every address that needs a key, in the order of the documentation. */
export const routes: readonly Route[] = [
  ...documentRoutes,
  ...ingestionJobRoutes,
  ...conversationRoutes,
  ...turnRoutes,
  ...statusRoutes,
  ...metricsRoutes,
];
