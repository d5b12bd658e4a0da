/** What may be shown of a provider's failure: adapters write messages without the provider's own text; all else is hidden. */
export function describeFailure(error: unknown): string {
  return error instanceof Error && error.name === 'ProviderError' ? error.message : 'an unexpected error.';
}
