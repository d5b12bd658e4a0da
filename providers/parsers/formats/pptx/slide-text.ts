import { mathToLatex } from '../docx/math-to-latex.ts';
import { childOf, descendantsOf, elementsOf, textOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';

/** A paragraph of a shape; `marker` is '' in plain text, else what stands before an item. */
export interface SlideParagraph {
  readonly text: string;
  readonly level: number;
  readonly marker: string;
}

// The number of the slide and the day on which it is shown.
const automaticFields = /^(?:slidenum|datetime)/;

const deepestLevel = 8;

/**
 * The paragraphs of a shape's text, the empty ones left out.
 * @param bulleted whether paragraphs are items unless they say otherwise, as in the body of a slide.
 */
export function slideParagraphs(body: XmlElement, bulleted: boolean): SlideParagraph[] {
  const numbers: number[] = [];
  const paragraphs: SlideParagraph[] = [];
  for (const paragraph of elementsOf(body).filter(({ name }) => name === 'a:p')) {
    const properties = childOf(paragraph, 'a:pPr');
    const level = Math.min(Math.max(Number(properties?.attributes['lvl']) || 0, 0), deepestLevel);
    const text = paragraphText(paragraph)
      .replaceAll(/[ \t]+/g, ' ')
      .trim();
    if (text === '') continue;
    const numbered = childOf(properties, 'a:buAutoNum');
    numbers.length = numbered ? level + 1 : level;
    if (numbered) numbers[level] = (numbers[level] ?? Number(numbered.attributes['startAt'] ?? 1) - 1) + 1;
    const isItem = childOf(properties, 'a:buChar') ?? childOf(properties, 'a:buBlip');
    const isPlain = childOf(properties, 'a:buNone');
    const bullet = isItem || (bulleted && !isPlain) ? '-' : '';
    paragraphs.push({ text, level, marker: numbered ? `${numbers[level]}.` : bullet });
  }
  return paragraphs;
}

/** The text of one paragraph; the number of the slide and today's date are left out. */
export function paragraphText(paragraph: XmlElement): string {
  return elementsOf(paragraph)
    .map((child) => {
      if (child.name === 'a:br') return '\n';
      if (child.name === 'a:r' || child.name === 'a:fld') {
        const text = childOf(child, 'a:t');
        return text && !automaticFields.test(child.attributes['type'] ?? '') ? textOf(text) : '';
      }
      // Equations come with a picture for older readers.
      return [...descendantsOf(child, 'm:oMath')]
        .slice(0, 1)
        .map((math) => `$${mathToLatex(math)}$`)
        .join('');
    })
    .join('');
}
