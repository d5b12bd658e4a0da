/** What a prompt template is for; see docs/prompts.md. */
export const promptTypes = ['system', 'user', 'assistant', 'tool', 'summary', 'title', 'topic'] as const;

export type PromptType = (typeof promptTypes)[number];

/** Kinds of values that a variable of a prompt template may have. */
export const variableTypes = ['string', 'number', 'boolean', 'enum', 'date'] as const;

/** A variable of a prompt template; `values` are those that an `enum` may have. */
export type TemplateVariable = {
  name: string;
  type: (typeof variableTypes)[number];
  required: boolean;
  default: string | number | boolean | null;
  values: string[];
  description: string;
};

/** Values that variables are filled from, by name. */
export type TemplateValues = Readonly<Record<string, unknown>>;

const everywhere = ['date', 'user', 'user_name', 'agent', 'conversation_title'];

const ofType: Record<PromptType, readonly string[]> = {
  system: ['question', 'topic'],
  user: ['question', 'topic'],
  assistant: ['question', 'topic'],
  tool: ['question', 'topic'],
  summary: [],
  title: ['question', 'answer'],
  topic: ['question'],
};

/** Names that a template of this type may use without declaring them; every other one is declared and comes from the metadata of the conversation. */
export function givenVariables(type: PromptType): readonly string[] {
  return [...everywhere, ...ofType[type]];
}
