import robotsParser from 'robots-parser';
import type { GuardedFetch } from '../fetch/guarded-fetch.ts';
import { requireSuccess } from './require-success.ts';

/** What a host asks of robots (RFC 9309). */
export interface RobotsRules {
  isAllowed(url: string): boolean;
  /** Between two requests, in milliseconds; 0 when the host does not say. */
  readonly delayMs: number;
  readonly sitemaps: readonly string[];
}

/** Reads the rules of an origin; they are kept for some minutes. */
export type ReadRobotsRules = (origin: string, signal: AbortSignal) => Promise<RobotsRules>;

const keptForMs = 10 * 60_000;
const mostBytes = 512 * 1024;
const longestDelayMs = 60_000;
/** As robots.txt knows it. */
const robotName = 'PerdureBot';

// The package's types describe an ES module, and it is none: its default is the function itself.
const parseRobots = robotsParser as unknown as typeof robotsParser.default;

/** Makes the reader of one process. A host without a file allows everything; one that cannot be asked forbids it for now. */
export function createRobotsReader(fetch: GuardedFetch): ReadRobotsRules {
  const kept = new Map<string, { until: number; rules: RobotsRules }>();
  return async function readRobotsRules(origin, signal) {
    const known = kept.get(origin);
    if (known && known.until > Date.now()) return known.rules;
    const url = `${origin}/robots.txt`;
    const response = await fetch({ url, signal, maxBytes: mostBytes, cutsBody: true, timeoutMs: 15_000 });
    const isAbsent = response.status >= 400 && response.status < 500 && response.status !== 429;
    const text = isAbsent ? '' : requireSuccess(response).bytes.toString('utf8');
    const parsed = parseRobots(url, text);
    const rules: RobotsRules = {
      isAllowed: (address) => parsed.isAllowed(address, robotName) ?? true,
      delayMs: Math.min((parsed.getCrawlDelay(robotName) ?? 0) * 1_000, longestDelayMs),
      sitemaps: parsed.getSitemaps(),
    };
    if (kept.size >= 1_000) kept.clear();
    kept.set(origin, { until: Date.now() + keptForMs, rules });
    return rules;
  };
}
