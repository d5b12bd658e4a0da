import { probeRoutes } from '../../../api/health/routes.ts';
import { routes } from '../../../api/routes.ts';
import type { Route } from '../../../api/framework/route.ts';

/** Every route that needs a key, named as in a test's title. */
export const closedRoutes: ReadonlyArray<[string, Route]> = routes.map((route) => [
  `${route.method} ${route.path}`,
  route,
]);

/** The paths that need none. */
export const openPaths = probeRoutes.map((route) => route.path);

/** The address of a route with ids that name nothing. */
export function addressOf(route: Pick<Route, 'path'>, id = '00000000-0000-7000-8000-000000000000'): string {
  return route.path.replaceAll(/\{\w+\}/g, id);
}
