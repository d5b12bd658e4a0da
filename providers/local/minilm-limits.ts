/** The limits of all-MiniLM-L6-v2 (its model card and sentence_bert_config.json). */
export const minilmLimits = { id: 'all-MiniLM-L6-v2', dimensions: 384, maxTokens: 256 } as const;
