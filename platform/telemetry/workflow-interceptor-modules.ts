import { fileURLToPath } from 'node:url';

/** For `workflowInterceptorModules` of every workflow bundle: what carries traces through workflows. */
export const workflowInterceptorModules: string[] = [
  fileURLToPath(new URL('../../workflows/trace-interceptors.ts', import.meta.url)),
];
