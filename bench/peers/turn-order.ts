/** Where a peer that serves turns finds its servers; given to its process as JSON. */
export interface TurnOrder {
  databaseUrl: string;
  providerUrl: string;
  temporalAddress: string;
  model: string;
  /** What is peculiar to this measurement of the peer. */
  variant: string;
}

/** What it sends when it serves. */
export interface TurnReady {
  url: string;
}
