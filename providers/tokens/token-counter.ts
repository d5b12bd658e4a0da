import { estimateTokens, type CountTokens } from '../../domain/prompting/estimate-tokens.ts';

/** What tells how a model counts tokens; `capabilities.tokenizer` says it where the name does not. */
export type CountedModel = { readonly id: string; readonly capabilities: Readonly<Record<string, unknown>> };

type Encoding = 'o200k_base' | 'cl100k_base';

const byName: ReadonlyArray<[RegExp, Encoding]> = [
  [/^(?:gpt-4o|gpt-4\.|gpt-[5-9]|gpt-oss|chatgpt-|o[1-9](?:-|$))/, 'o200k_base'],
  [/^gpt-(?:4|3\.5)(?:-|$)/, 'cl100k_base'],
];

// The tables of an encoding are 75 MB in memory and take most of a second to load: only for a prompt that may not fit.
const loaded = new Map<Encoding, Promise<CountTokens>>();

// Merging the pairs of a run without a space takes quadratic time: a longer run is counted in pieces, slightly too high.
const longestRun = 256;
const longRun = new RegExp(String.raw`\S{${longestRun},}`, 'g');

// A conversation's texts are counted again with every step.
const cacheCharacters = 8_000_000;

/** The encoding of a model's tokenizer, null when it is not known. */
export function encodingOf({ id, capabilities }: CountedModel): Encoding | null {
  const { tokenizer } = capabilities;
  if (tokenizer === 'o200k_base' || tokenizer === 'cl100k_base') return tokenizer;
  const name = id.split('/').at(-1) ?? id;
  return byName.find(([pattern]) => pattern.test(name))?.[1] ?? null;
}

/**
 * Counts tokens as the model does where its tokenizer is known (OpenAI's). Otherwise it estimates, and multiplies by
 * `ratio`: what the provider has counted for former prompts of the conversation, by what was estimated for them.
 */
export async function tokenCounter(model: CountedModel, ratio: number | null): Promise<CountTokens> {
  const encoding = encodingOf(model);
  if (encoding === null) {
    const factor = ratio === null ? 1 : Math.min(Math.max(ratio * safetyMargin, leastFactor), mostFactor);
    return (text) => Math.ceil(estimateTokens(text) * factor);
  }
  let counter = loaded.get(encoding);
  if (!counter) loaded.set(encoding, (counter = load(encoding)));
  return counter;
}

// The next prompt may be of a kind that is counted higher than the last ones.
const safetyMargin = 1.1;
const leastFactor = 0.4;
const mostFactor = 4;

async function load(encoding: Encoding): Promise<CountTokens> {
  const { countTokens } =
    encoding === 'o200k_base'
      ? await import('gpt-tokenizer/encoding/o200k_base')
      : await import('gpt-tokenizer/encoding/cl100k_base');
  // What looks like a special token in a text is text.
  const asText = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
  const counts = new Map<string, number>();
  let held = 0;
  return (text) => {
    const known = counts.get(text);
    if (known !== undefined) return known;
    const parted = text.replaceAll(longRun, (run) => run.match(/[^]{1,256}/g)?.join('\n') ?? run);
    const count = countTokens(parted, asText);
    held += text.length;
    if (held > cacheCharacters) {
      counts.clear();
      held = text.length;
    }
    counts.set(text, count);
    return count;
  };
}
