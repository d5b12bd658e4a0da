/** A call of a tool as the model wrote it; `arguments` is its JSON text. */
export type PromptToolCall = { readonly id: string; readonly name: string; readonly arguments: string };

/** One message of a prompt, in the roles that chat-completion protocols share. */
export type PromptMessage =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | { readonly role: 'assistant'; readonly content: string; readonly toolCalls?: readonly PromptToolCall[] }
  | { readonly role: 'tool'; readonly toolCallId: string; readonly content: string };

/** A message of the conversation's branch, as it is stored. */
export type BranchMessage = { readonly id: string; readonly role: 'user' | 'assistant'; readonly content: string };

/** A completed step of the running turn: what the model said, the tools it asked for, and what they gave. */
export type TakenStep = {
  readonly step: number;
  readonly text: string;
  readonly toolCalls: readonly PromptToolCall[];
  readonly results: readonly ToolOutcome[];
};

/** What one tool call gave. `callId` is the ledger's, `toolCallId` the provider's; `content` is not yet marked as data. */
export type ToolOutcome = {
  readonly callId: string;
  readonly toolCallId: string;
  readonly name: string;
  readonly content: string;
  readonly isError: boolean;
};
