/** Text at a place of a page, in points from its lower left corner. */
export interface PdfText {
  readonly x: number;
  readonly y: number;
  readonly text: string;
  readonly size?: number;
  readonly bold?: boolean;
  /** Draws the image `Im` of the page's resources instead. */
  readonly image?: boolean;
}

/** A PDF with a page for each list of texts, in Helvetica; `extra` is put into each page's dictionary, `resources` into
 * its resources; `objects` are numbered after the pages. */
export function buildPdf(
  pages: readonly (readonly PdfText[])[],
  { info = '', extra = '', objects = [] as readonly string[] } = {},
  resources = '',
): Uint8Array {
  const kids = pages.map((_, index) => `${5 + index * 2} 0 R`);
  const bodies = [
    '<< /Type /Catalog /Pages 2 0 R >>',
    `<< /Type /Pages /Count ${pages.length} /Kids [${kids.join(' ')}] >>`,
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>',
    '<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica-Bold /Encoding /WinAnsiEncoding >>',
    ...pages.flatMap((texts, index) => [
      `<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Contents ${6 + index * 2} 0 R ${extra}
       /Resources << /Font << /F1 3 0 R /F2 4 0 R >> ${resources} >> >>`,
      stream(texts.map(drawText).join('\n')),
    ]),
    ...objects,
    `<< ${info} >>`,
  ];
  let text = '%PDF-1.7\n';
  const offsets: number[] = [];
  for (const [index, body] of bodies.entries()) {
    offsets.push(text.length);
    text += `${index + 1} 0 obj\n${body}\nendobj\n`;
  }
  const start = text.length;
  const table = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  text += `xref\n0 ${bodies.length + 1}\n0000000000 65535 f \n${table}trailer\n<< /Size ${bodies.length + 1} /Root 1 0 R /Info ${bodies.length} 0 R >>\nstartxref\n${start}\n%%EOF\n`;
  return new Uint8Array(Buffer.from(text, 'latin1'));
}

/** Lines of text below each other, 14 points apart. */
export function textLines(x: number, top: number, lines: readonly string[], size = 11): PdfText[] {
  return lines.map((text, index) => ({ x, y: top - index * 14, text, size }));
}

function drawText({ x, y, text, size = 11, bold = false, image = false }: PdfText): string {
  if (image) return 'q 100 0 0 100 0 0 cm /Im Do Q';
  const escaped = text.replaceAll(/[\\()]/g, String.raw`\$&`);
  return `BT /F${bold ? 2 : 1} ${size} Tf 1 0 0 1 ${x} ${y} Tm (${escaped}) Tj ET`;
}

function stream(content: string): string {
  return `<< /Length ${content.length} >>\nstream\n${content}\nendstream`;
}
