/** One message of a case. */
export type CaseMessage = { role: 'user' | 'assistant'; content: string };

/** What a case asks, in one of its forms. */
export type CaseInput = {
  readonly question?: string | undefined;
  readonly messages?: readonly CaseMessage[] | undefined;
  readonly variables?: Readonly<Record<string, unknown>> | undefined;
};

/** The conversation that a case holds, its question last; empty for a case of variables alone. */
export function caseMessages({ question, messages }: CaseInput): readonly CaseMessage[] {
  return messages ?? (question === undefined ? [] : [{ role: 'user', content: question }]);
}

/** The last user message of a case; of a case of variables alone, those as JSON. */
export function caseQuestion(input: CaseInput): string {
  return caseMessages(input).at(-1)?.content ?? JSON.stringify(input.variables ?? {});
}
