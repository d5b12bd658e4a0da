const words = /[\p{L}\p{N}][\p{L}\p{M}\p{N}]*/gu;
const unspacedScript = /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Thai}]/u;
// Function words, and the verbs with which people ask about anything.
const stopWords: ReadonlySet<string> = new Set(
  (
    'a about after all also an and any are as at be been but by can could describe did do does doing explain for ' +
    'from get give had happen happened happens has have he her his how i if in into is it its just made make ' +
    'makes me mean means my need needs no not of on or our please she should show so some tell than that the ' +
    'their them then there these they this to up us use used uses using was way we were what when where which ' +
    'who why will with work works would you your'
  ).split(' '),
);

/**
 * The search terms of a text, in order and with repeats: lower-cased, without stop words, English endings taken off;
 * pairs of characters where a script writes no spaces.
 */
export function extractTerms(text: string): string[] {
  return Array.from(text.toLowerCase().matchAll(words), ([word]) => word).flatMap((word) => {
    if (unspacedScript.test(word)) return toPairs(word);
    return stopWords.has(word) ? [] : [stem(word)];
  });
}

function toPairs(word: string): string[] {
  const characters = Array.from(word);
  if (characters.length === 1) return characters;
  return characters.slice(1).map((character, index) => `${characters[index]}${character}`);
}

/** Takes off endings until at least three letters are left; it need not be a word, only the same for its kin. */
function stem(word: string): string {
  if (!/^[a-z]{4,}$/.test(word)) return word;
  const singular = word.replace(/(?<=..)ies$/, 'y').replace(/(?<=...[^su])s$|(?<=ss)es$/, '');
  const root = singular.replace(/(?<=...)(?:ations?|ions?|ings?|ed|er|ly|ment)$/, '');
  return root.replace(/([b-df-hj-km-np-rtv-z])\1$/, '$1').replace(/(?<=...)e$/, '');
}
