import type { TurnEvent } from '../contracts/turn-event.ts';
import type { StreamEvent } from './event-stream.ts';
import { safeText } from './safe-text.ts';

type DataOf<Kind extends TurnEvent['event']> = Extract<TurnEvent, { event: Kind }>['data'];

/** A call that waits for approval, as its event tells. */
export type WaitingCall = { id: string; shown: string; argumentsHash: string };

/** Says in a line what becomes of the calls of tools of one turn, and of its model where it fails. */
export class ToolCallNotes {
  readonly #shown = new Map<string, string>();

  /** The line for an event; null for one that says nothing to people. */
  lineOf({ event, data }: StreamEvent): string | null {
    if (event === 'tool_call_proposed') {
      const { call_id: id, name, arguments: given } = data as DataOf<'tool_call_proposed'>;
      this.#shown.set(id, `${safeText(name)}(${safeText(JSON.stringify(given ?? {}))})`);
      return null;
    }
    if (event === 'tool_call_started') return `→ ${this.#nameOf((data as DataOf<'tool_call_started'>).call_id)}`;
    if (event === 'tool_call_result') {
      const { call_id: id, state, preview } = data as DataOf<'tool_call_result'>;
      return state === 'succeeded' ? null : `${this.#nameOf(id)}: ${state}, ${safeText(preview)}`;
    }
    if (event === 'needs_review') {
      const { call_id: id } = data as DataOf<'needs_review'>;
      return `${this.#nameOf(id)} was interrupted: find out what it did, then POST /tool-calls/${id}/settle`;
    }
    if (event === 'retrying') {
      const { model, reason, in_ms: ms, hint } = data as DataOf<'retrying'>;
      const again = `${safeText(model)} does not answer (${safeText(reason)}): asked again in ${(ms / 1000).toFixed(1)} s`;
      return hint === undefined ? again : `${again}. ${safeText(hint)}`;
    }
    if (event === 'model_fallback') {
      const { from, to, reason } = data as DataOf<'model_fallback'>;
      return `${safeText(to)} takes over from ${safeText(from)} (${safeText(reason)})`;
    }
    if (event === 'warning') return safeText((data as DataOf<'warning'>).detail);
    return null;
  }

  /** The call of an `approval_required`; null for another event. */
  waitingCall({ event, data }: StreamEvent): WaitingCall | null {
    if (event !== 'approval_required') return null;
    const { call_id: id, arguments_hash: argumentsHash } = data as DataOf<'approval_required'>;
    return { id, shown: this.#nameOf(id), argumentsHash };
  }

  #nameOf(id: string): string {
    return this.#shown.get(id) ?? `call ${id}`;
  }
}
