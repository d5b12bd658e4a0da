/** Turns texts and queries into the terms of full text search. The same for both, or they would not meet. */
export interface TextAnalyzer {
  /**
   * The terms of a text in order, repetitions kept: words without stop words, reduced to their stems. `language` is an ISO
   * 639-1 code; one that has no stemmer, or `und`, leaves words as they are.
   */
  analyze(text: string, language: string): string[];
  /** The language that most of a text is written in, as an ISO 639-1 code; `und` when it cannot be told. */
  detectLanguage(text: string): string;
}
