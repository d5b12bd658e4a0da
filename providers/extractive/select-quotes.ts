import type { Passage } from '../chat-model.ts';
import { extractTerms } from './extract-terms.ts';
import { splitSentences } from './split-sentences.ts';
import type { SentenceSpan } from './split-sentences.ts';

/** An exact piece of a passage's text, and the passage's number. */
export interface Quote {
  readonly n: number;
  readonly text: string;
}

/** A sentence with what it is judged by. */
interface Candidate extends Quote {
  readonly terms: readonly string[];
  /** Terms of its heading and its passage's title, which say what the sentence is about. */
  readonly context: ReadonlySet<string>;
  /** From 0 to 1: how well the sentence reads alone, and how early its passage was found. */
  readonly prior: number;
}

// BM25's usual constants (Robertson and Zaragoza 2009), over sentences in place of documents.
const k1 = 1.2;
const b = 0.75;
const contextWeight = 0.4;
const longestQuote = 400;
const mostQuotes = 3;
// A further quote must be nearly as good as the best one, or it is noise.
const leastShareOfBest = 0.6;

/**
 * Picks one to three sentences that answer the question best, by term overlap, heading and the passage's rank; none
 * where no sentence shares enough terms with it (two, or all of a shorter question). The same input gives the same
 * quotes.
 */
export function selectQuotes(question: string, passages: readonly Passage[]): Quote[] {
  const asked = new Set(extractTerms(question));
  const candidates = passages.flatMap(toCandidates);
  const scored = score(asked, candidates)
    .filter(({ matched }) => matched > 0 && matched >= Math.min(2, asked.size))
    .toSorted((left, right) => right.score - left.score);
  const best = scored[0]?.score ?? 0;
  const seen = new Set<string>();
  return scored
    .filter((entry) => entry.score >= best * leastShareOfBest)
    .map(({ candidate }) => ({ n: candidate.n, text: shorten(candidate.text) }))
    .filter(({ text }) => {
      // Chunks overlap: the same sentence comes with several of them.
      const isNew = !seen.has(text);
      seen.add(text);
      return isNew;
    })
    .slice(0, mostQuotes);
}

function toCandidates(passage: Passage, rank: number): Candidate[] {
  const title = extractTerms(passage.title);
  let heading: string[] = [];
  const candidates: Candidate[] = [];
  for (const { start, end, kind } of splitSentences(passage.text)) {
    const text = passage.text.slice(start, end);
    const terms = extractTerms(text);
    if (kind === 'heading') {
      heading = terms;
      continue;
    }
    const prior = readability(text, kind) / (1 + rank / 10);
    candidates.push({ n: passage.n, text, terms, context: new Set([...title, ...heading]), prior });
  }
  return candidates;
}

/** How well a sentence reads as a quote. Chunks begin and end in the middle of sentences. */
function readability(text: string, kind: SentenceSpan['kind']): number {
  const isWhole = /^[^\p{Ll}]/u.test(text) && /[.!?:。！？]["')\]*_`\u201d]*$/u.test(text);
  const hasQuotationMarks = /["“”«»„]/.test(text);
  // A question that the documents ask shares the most words with the user's, and answers nothing.
  const asks = /[?？]["')\]*_`\u201d]*$/u.test(text);
  return (kind === 'row' ? 0.5 : 1) * (isWhole ? 1 : 0.7) * (hasQuotationMarks ? 0.8 : 1) * (asks ? 0.2 : 1);
}

function score(
  asked: ReadonlySet<string>,
  candidates: readonly Candidate[],
): { candidate: Candidate; score: number; matched: number }[] {
  const averageLength = candidates.reduce((sum, { terms }) => sum + terms.length, 0) / Math.max(1, candidates.length);
  const weights = new Map(
    Array.from(asked, (term) => {
      const holders = candidates.filter(({ terms }) => terms.includes(term)).length;
      return [term, Math.log(1 + (candidates.length - holders + 0.5) / (holders + 0.5))];
    }),
  );
  return candidates.map((candidate) => {
    const { terms, context, prior } = candidate;
    let total = 0;
    let matched = 0;
    for (const [term, weight] of weights) {
      const count = terms.filter((other) => other === term).length;
      const lengthFactor = 1 - b + (b * terms.length) / Math.max(1, averageLength);
      total += (weight * count * (k1 + 1)) / (count + k1 * lengthFactor);
      if (context.has(term)) total += contextWeight * weight;
      if (count > 0 || context.has(term)) matched += 1;
    }
    // What only its heading speaks for is a neighbour of the answer, not the answer.
    const isSpoken = terms.some((term) => asked.has(term));
    const coverage = matched / Math.max(1, asked.size);
    return { candidate, score: isSpoken ? total * prior * (0.5 + coverage / 2) : 0, matched: isSpoken ? matched : 0 };
  });
}

/** Cuts a long sentence between words: a quote stays an exact piece of its passage. */
function shorten(text: string): string {
  if (text.length <= longestQuote) return text;
  const cut = text.lastIndexOf(' ', longestQuote);
  return text.slice(0, cut > 0 ? cut : longestQuote).trimEnd();
}
