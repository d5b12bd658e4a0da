/** Channel on which workers are woken when a turn was committed, or an early answer has ended. */
export const turnNewsChannel = 'perdure_turn_news';

/** What workers tell each other, and are told by the API, of turns: one was committed, or an early answer has ended. */
export type TurnNews =
  | { accepted: { workspaceId: string; conversationId: string; turnId: string }; trace?: string }
  | { ended: string };

/** The payload of a notification; `trace` is the request's traceparent. */
export function writeTurnNews(news: TurnNews): string {
  return JSON.stringify(news);
}

/** What a payload says; null for one that a process of another version sends. */
export function readTurnNews(payload: string): TurnNews | null {
  try {
    const news = JSON.parse(payload) as TurnNews;
    return 'accepted' in news || 'ended' in news ? news : null;
  } catch {
    return null;
  }
}
