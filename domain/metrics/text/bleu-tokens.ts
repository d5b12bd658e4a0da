/** How texts are cut for BLEU, by sacreBLEU's names. */
export type BleuTokenizer = '13a' | 'zh' | 'char' | 'none';

// sacreBLEU's ranges (tokenizer_zh.py), as its code takes them: two are written with four digits too few, and so all of
// U+2001 to U+2A6D stands alone, quotation marks and dashes among it.
const chinese =
  /[\u2001-\u2a6d\u2e80-\u2eff\u2f00-\u2fff\u3000-\u303f\u3100-\u312f\u31a0-\u31bf\u31c0-\u31ef\u3200-\u33ff\u3400-\u4db5\u4e00-\u9fbb\uf900-\ufa2d\ufa30-\ufa6a\ufa70-\ufad9\ufe10-\ufe1f\ufe30-\ufe4f\uff00-\uffef]/g;

/**
 * Cuts a text into the tokens of BLEU: `13a` as mteval-v13a.pl, the default of WMT; `zh` with Chinese characters alone;
 * `char` by characters, for Japanese, Thai and others without spaces; `none` by white space. As sacreBLEU 2.6.0.
 */
export function bleuTokens(text: string, tokenizer: BleuTokenizer): string[] {
  const line = text.trimEnd();
  if (tokenizer === 'none') return split(line);
  if (tokenizer === 'char') return Array.from(line).filter((character) => character.trim() !== '');
  if (tokenizer === 'zh') return splitPunctuation(line.trim().replace(chinese, ' $& '));
  const plain = line
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  return splitPunctuation(` ${plain} `);
}

function splitPunctuation(line: string): string[] {
  return split(
    line
      .replace(/([{-~[-` -&(-+:-@/])/g, ' $1 ')
      .replace(/([^0-9])([.,])/gu, '$1 $2 ')
      .replace(/([.,])([^0-9])/gu, ' $1 $2')
      .replace(/([0-9])(-)/g, '$1 $2 '),
  );
}

function split(line: string): string[] {
  return line.split(/\s+/).filter(Boolean);
}
