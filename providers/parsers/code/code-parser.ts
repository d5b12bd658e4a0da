import type { Tree } from '@lezer/common';
import type { TextParser } from '../document-parser.ts';
import { codeGrammars } from './code-grammars.ts';
import { findBoundaries } from './find-boundaries.ts';
import { guessLanguages } from './guess-languages.ts';

// A tree takes about ten times the memory of its text.
const largestTree = 8 * 1024 * 1024;
// A file in another language than was thought is full of mistakes; one that is being written has a few.
const fewMistakes = 3;
const charactersPerMistake = 150;

/**
 * Source code as it is, with its cuts by syntax in the languages of `codeGrammars`; in others, where most does not parse
 * and above 8 million characters it is left to be cut by lines and indentation.
 */
export const codeParser: TextParser = {
  reads: 'text',
  async parse(text, { name }) {
    const parsed = { text, format: 'code', mimeType: 'text/x-source', title: null, language: null } as const;
    const rest = { pages: [], warnings: [] };
    if (text.length <= largestTree) {
      for (const language of guessLanguages(text, name)) {
        const grammar = codeGrammars[language];
        const tree = (await grammar.load()).parse(text);
        if (parses(tree, text.length)) return { ...parsed, ...rest, boundaries: findBoundaries(text, tree, grammar) };
      }
    }
    return { ...parsed, ...rest, boundaries: null };
  },
};

function parses(tree: Tree, length: number): boolean {
  let mistakes = 0;
  tree.iterate({
    enter: ({ type }) => {
      if (type.isError) mistakes += 1;
    },
  });
  return mistakes <= fewMistakes || mistakes * charactersPerMistake <= length;
}
