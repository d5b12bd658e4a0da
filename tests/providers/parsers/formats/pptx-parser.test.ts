import { describe, expect, test } from '@jest/globals';
import { pptxParser } from '../../../../providers/parsers/formats/pptx/pptx-parser.ts';
import { relationsPart } from './build-office.ts';
import { buildZip } from './build-zip.ts';
import { parseBytes } from './parse-bytes.ts';

const namespaces =
  'xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main" xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"';
const lines = (...texts: string[]): string =>
  `<p:txBody>${texts.map((text) => `<a:p><a:r><a:t>${text}</a:t></a:r></a:p>`).join('')}</p:txBody>`;
const shape = (body: string, { role = '', left = 0, top = 0 } = {}): string =>
  `<p:sp><p:nvSpPr><p:nvPr>${role === '' ? '' : `<p:ph type="${role}"/>`}</p:nvPr></p:nvSpPr>
   <p:spPr><a:xfrm><a:off x="${left}" y="${top}"/><a:ext cx="10" cy="10"/></a:xfrm></p:spPr>${body}</p:sp>`;
const slide = (shapes: string): string =>
  `<p:sld ${namespaces}><p:cSld><p:spTree>${shapes}</p:spTree></p:cSld></p:sld>`;

function presentation(slides: readonly string[], parts: Readonly<Record<string, string>> = {}): Uint8Array {
  const ids = slides.map((_, index) => `<p:sldId id="${index}" r:id="s${index}"/>`);
  return buildZip({
    '_rels/.rels': relationsPart([['main', 'officeDocument', 'ppt/presentation.xml']]),
    'ppt/presentation.xml': `<p:presentation ${namespaces}><p:sldIdLst>${ids.join('')}</p:sldIdLst></p:presentation>`,
    'ppt/_rels/presentation.xml.rels': relationsPart(
      slides.map((_, index) => [`s${index}`, 'slide', `slides/slide${index}.xml`] as const),
    ),
    ...Object.fromEntries(slides.map((content, index) => [`ppt/slides/slide${index}.xml`, content])),
    ...parts,
  });
}

describe('pptxParser', () => {
  test('makes a page of each slide, named by its title, with shapes in reading order and groups as a whole', async () => {
    const group = `<p:grpSp><p:grpSpPr><a:xfrm><a:off x="0" y="300"/><a:ext cx="9" cy="9"/></a:xfrm></p:grpSpPr>${shape(lines('in a group'))}</p:grpSp>`;
    const first = slide(
      shape(lines('right'), { left: 500, top: 101 }) +
        group +
        shape(lines('left'), { left: 0, top: 100 }) +
        shape(lines('Plan'), { role: 'title', top: 900 }),
    );
    const second = slide(
      shape(lines('Points'), { role: 'title' }) + shape(lines('one', 'two'), { role: 'body', top: 50 }),
    );
    const { text, pages } = await parseBytes(pptxParser, presentation([first, second]));
    expect(text).toBe('# Plan\n\nleft\n\nright\n\nin a group\n\n# Points\n\n- one\n- two\n');
    expect(pages).toEqual([
      { number: 1, start: 0, label: 'Plan' },
      { number: 2, start: text.indexOf('# Points'), label: 'Points' },
    ]);
  });

  test('reads tables and notes, and a footer once', async () => {
    const cells = ['a', 'b', '1', '2'].map(
      (text) => `<a:tc><a:txBody><a:p><a:r><a:t>${text}</a:t></a:r></a:p></a:txBody></a:tc>`,
    );
    const table = `<p:graphicFrame><p:xfrm><a:off x="0" y="5"/></p:xfrm><a:graphic><a:tbl><a:tr>${cells[0]}${cells[1]}</a:tr><a:tr>${cells[2]}${cells[3]}</a:tr></a:tbl></a:graphic></p:graphicFrame>`;
    const footer = shape(lines('Internal'), { role: 'ftr', top: 900 });
    const bytes = presentation([slide(table + footer), slide(shape(lines('End')) + footer)], {
      'ppt/slides/_rels/slide0.xml.rels': relationsPart([['n', 'notesSlide', '../notesSlides/n1.xml']]),
      'ppt/notesSlides/n1.xml': `<p:notes ${namespaces}>${shape(lines('Say hello'), { role: 'body' })}</p:notes>`,
    });
    expect((await parseBytes(pptxParser, bytes)).text).toBe(
      '| a | b |\n| --- | --- |\n| 1 | 2 |\n\nInternal\n\nNotes: Say hello\n\nEnd\n',
    );
  });

  test('reads the slides that can be read and names the others', async () => {
    const { text, warnings } = await parseBytes(pptxParser, presentation(['<broken', slide(shape(lines('Good')))]));
    expect(text).toBe('Good\n');
    expect(warnings).toEqual([{ code: 'unreadable_part', detail: 'Slides that cannot be read: 1.' }]);
    await expect(parseBytes(pptxParser, presentation(['<broken']))).rejects.toMatchObject({ code: 'document_corrupt' });
  });
});
