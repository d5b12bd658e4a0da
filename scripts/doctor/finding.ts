/** What one check found; `advice` is the way out of a warning or a failure. */
export interface Finding {
  readonly check: string;
  readonly state: 'ok' | 'warning' | 'failed';
  readonly found: string;
  readonly advice: string | null;
}

/** All is well. */
export const ok = (check: string, found: string): Finding => ({ check, state: 'ok', found, advice: null });

/** It works, but not as it should. */
export const warning = (check: string, found: string, advice: string): Finding => ({
  check,
  state: 'warning',
  found,
  advice,
});

/** It does not work. */
export const failed = (check: string, found: string, advice: string): Finding => ({
  check,
  state: 'failed',
  found,
  advice,
});
