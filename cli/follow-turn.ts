import { finalTurnEventKinds } from '../contracts/names/turn-events.ts';
import type { CommandContext } from './command.ts';
import { followEvents, type StreamEvent } from './event-stream.ts';

/**
 * Follows a turn to its end and gives each event to `take`, which may take its time; returns the last one. When the signal
 * aborts, the turn is cancelled unless `isLeft` says that it is to go on. @throws the abort reason, CliError when the API stays away.
 */
export async function followTurn(
  { api, terminal }: Pick<CommandContext, 'api' | 'terminal'>,
  { turnId, signal, isLeft = () => false }: { turnId: string; signal: AbortSignal; isLeft?: () => boolean },
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
    if (signal.aborted && !isLeft()) {
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
  const { detail, hint } = (last?.data ?? {}) as { detail?: string; hint?: string };
  return [detail === undefined ? 'The turn failed.' : sentence(detail), hint]
    .filter((part) => part !== undefined)
    .join(' ');
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
