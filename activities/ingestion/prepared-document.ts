/** What there is to embed, or how the generation has ended already; `larger` if it was left for want of permission. */
export type PreparedDocument = {
  state: 'staging' | 'larger' | 'active' | 'failed' | 'abandoned' | 'fenced';
  chunks: number;
  /** Whether an active one may have replaced others. */
  superseded?: boolean;
};
