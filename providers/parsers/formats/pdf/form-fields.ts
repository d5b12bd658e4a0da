import type { PDFPageProxy } from 'pdfjs-dist';

/** The parts of pdf.js's annotations that hold text; it has no type for them. */
interface Annotation {
  readonly subtype?: string;
  readonly fieldType?: string;
  readonly fieldName?: string;
  readonly alternativeText?: string;
  readonly fieldValue?: unknown;
  readonly buttonValue?: unknown;
  readonly exportValue?: unknown;
  readonly checkBox?: boolean;
  readonly radioButton?: boolean;
  readonly hidden?: boolean;
  readonly contentsObj?: { readonly str?: string };
  readonly titleObj?: { readonly str?: string };
  readonly file?: { readonly filename?: string };
}

/** What annotations add to a page: filled fields of forms, notes, and names of attached files. */
export interface PageAnnotations {
  readonly fields: readonly string[];
  readonly notes: readonly string[];
  readonly files: readonly string[];
}

const noteKinds = new Set(['Text', 'FreeText', 'Highlight', 'Underline', 'StrikeOut', 'Squiggly', 'Stamp', 'Caret']);

/** Reads a page's annotations; each field is a line `name: value`, empty ones are left out. */
export async function readAnnotations(page: PDFPageProxy): Promise<PageAnnotations> {
  const annotations = (await page.getAnnotations()) as Annotation[];
  const shown = annotations.filter(({ hidden }) => hidden !== true);
  return {
    fields: [...new Set(shown.flatMap((annotation) => fieldLine(annotation) ?? []))],
    notes: shown.flatMap(({ subtype = '', contentsObj, titleObj }) => {
      const text = contentsObj?.str?.replaceAll(/\s+/g, ' ').trim();
      if (!text || !noteKinds.has(subtype)) return [];
      return subtype === 'FreeText' ? [text] : [`[Comment${titleObj?.str ? ` by ${titleObj.str}` : ''}: ${text}]`];
    }),
    files: annotations.flatMap(({ file }) => file?.filename ?? []),
  };
}

function fieldLine(annotation: Annotation): string | null {
  if (annotation.subtype !== 'Widget') return null;
  const { fieldName = '', alternativeText, fieldValue, checkBox, radioButton, fieldType } = annotation;
  const name = alternativeText?.trim() || fieldName;
  if (fieldType === 'Sig' || name === '') return null;
  if (checkBox === true) {
    return `${name}: ${fieldValue === annotation.exportValue && fieldValue !== 'Off' ? '☒' : '☐'}`;
  }
  if (radioButton === true && fieldValue !== annotation.buttonValue) return null;
  const values = (Array.isArray(fieldValue) ? fieldValue : [fieldValue]).filter((value) => typeof value === 'string');
  const value = values.join(', ').replaceAll(/\s+/g, ' ').trim();
  return value === '' || value === 'Off' ? null : `${name}: ${value}`;
}
