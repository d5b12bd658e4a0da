/** How this command line is called here, for the commands that it advises: by npm, or by its own name. */
export function ownName(env: Record<string, string | undefined>): string {
  return env.npm_lifecycle_event === 'perdure' ? 'npm run perdure --' : 'perdure';
}
