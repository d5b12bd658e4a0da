/** Where the chat model of the settings is, and the key to it. */
export type ChatProviderSettings = {
  OPENAI_API_KEY?: string | undefined;
  OPENAI_BASE_URL?: string | undefined;
  PERDURE_CHAT_MODEL: string;
};

/** Whether the provider may be registered, and what the operator should know. */
export type ChatProviderVerdict = { usable: boolean; notice: string | null };

/**
 * Asks the provider for its list of models, which costs nothing and tells whether the key is accepted. A provider that
 * has no such list is taken at its word; one that refuses the key, or cannot be reached, is not usable.
 */
export async function checkChatProvider(settings: ChatProviderSettings): Promise<ChatProviderVerdict> {
  const base = (settings.OPENAI_BASE_URL ?? 'https://api.openai.com/v1').replace(/\/$/, '');
  const fallback = 'The built-in extractive answerer, or the model registered before, stays in use.';
  let response: Response;
  try {
    response = await fetch(`${base}/models`, {
      headers: settings.OPENAI_API_KEY ? { authorization: `Bearer ${settings.OPENAI_API_KEY}` } : {},
      signal: AbortSignal.timeout(10_000),
    });
  } catch (error) {
    const { cause, message } = error as Error;
    const reason = cause instanceof Error ? cause.message : message;
    return { usable: false, notice: `The chat provider at ${base} cannot be reached (${reason}). ${fallback}` };
  }
  const body = await response.text().catch(() => '');
  if (response.status === 401 || response.status === 403)
    return {
      usable: false,
      notice: `The chat provider at ${base} refused OPENAI_API_KEY (HTTP ${response.status}). ${fallback} Correct the key and start again.`,
    };
  if (response.status === 404 || response.status === 405) return { usable: true, notice: null };
  if (!response.ok)
    return { usable: false, notice: `The chat provider at ${base} answered HTTP ${response.status}. ${fallback}` };
  const models = listedModels(body);
  const name = settings.PERDURE_CHAT_MODEL;
  if (models.length === 0 || models.some((id) => id === name || id === `${name}:latest`))
    return { usable: true, notice: null };
  return {
    usable: true,
    notice:
      `The chat provider at ${base} does not list the model ${name}. If answers fail, set PERDURE_CHAT_MODEL to one that ` +
      `it lists, such as ${models.slice(0, 5).join(', ')}.`,
  };
}

function listedModels(body: string): string[] {
  try {
    const { data } = JSON.parse(body) as { data?: Array<{ id?: unknown }> };
    return (data ?? []).flatMap(({ id }) => (typeof id === 'string' ? [id] : []));
  } catch {
    return [];
  }
}
