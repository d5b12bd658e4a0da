import type { ToolCall } from '../chat-model.ts';

/** A piece of a tool call as the protocol streams it. */
export interface ToolCallDelta {
  readonly index?: number;
  readonly id?: string | null;
  readonly function?: { readonly name?: string | null; readonly arguments?: string | null };
}

interface Draft {
  id: string;
  name: string;
  arguments: string;
}

/**
 * Joins streamed pieces into whole tool calls, in the model's order. Compatible servers leave out the index or reuse
 * it: a new id begins a new call whatever the index says. Missing ids are derived from the response's.
 */
export class ToolCallCollector {
  readonly #drafts: Draft[] = [];
  readonly #byIndex = new Map<number, Draft>();

  add(delta: ToolCallDelta): void {
    const index = delta.index ?? (delta.id == null ? this.#drafts.length - 1 : this.#drafts.length);
    let draft = this.#byIndex.get(index);
    if (draft === undefined || (delta.id != null && delta.id !== '' && draft.id !== '' && draft.id !== delta.id)) {
      draft = { id: '', name: '', arguments: '' };
      this.#drafts.push(draft);
      this.#byIndex.set(index, draft);
    }
    if (delta.id != null && delta.id !== '') draft.id = delta.id;
    draft.name += delta.function?.name ?? '';
    draft.arguments += delta.function?.arguments ?? '';
  }

  /** The calls so far; a call without arguments has the empty object. */
  finish(responseId: string | null): ToolCall[] {
    return this.#drafts.map((draft, index) => ({
      id: draft.id === '' ? `${responseId ?? 'call'}-${index}` : draft.id,
      name: draft.name,
      arguments: draft.arguments === '' ? '{}' : draft.arguments,
    }));
  }
}
