import { finalTurnEventKinds } from '../contracts/names/turn-events.ts';
import type { CommandContext } from './command.ts';
import { followEvents, type StreamEvent } from './event-stream.ts';

/**
 * Follows a turn to its end and gives each event to `take`, which may take its time; returns the last one. When the signal
 * aborts, the turn is cancelled. @throws the abort reason, CliError when the API stays away.
 */
export async function followTurn(
  { api, terminal }: Pick<CommandContext, 'api' | 'terminal'>,
  { turnId, signal }: { turnId: string; signal: AbortSignal },
  take: (event: StreamEvent) => void | Promise<void>,
): Promise<StreamEvent | undefined> {
  const isFinal = ({ event }: StreamEvent): boolean => finalTurnEventKinds.some((kind) => kind === event);
  let last: StreamEvent | undefined;
  try {
    for await (const event of followEvents(api, `/turns/${turnId}/events`, { isFinal, signal })) {
      last = event;
      await take(event);
    }
    return last;
  } catch (error) {
    if (signal.aborted) {
      await api.request(`/turns/${turnId}/cancel`, { method: 'POST', body: {} }).catch(() => undefined);
      terminal.note('Cancelled.');
    }
    throw error;
  }
}

/** Why a turn gave no answer, by its last event; null if it gave one. */
export function whyNoAnswer(last: StreamEvent | undefined): string | null {
  if (last?.event === 'done') return null;
  if (last?.event === 'cancelled') return 'The turn was cancelled.';
  return (last?.data as { detail?: string } | null)?.detail ?? 'The turn failed.';
}
