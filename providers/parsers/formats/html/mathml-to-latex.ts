import { nodeTypes } from './html-dom.ts';
import type { HtmlElement, HtmlNode } from './html-dom.ts';

type Write = (parts: readonly string[]) => string;

const group = (part = '') => (/^(?:.|\\[a-z]+)$/iu.test(part) ? part : `{${part}}`);

// Elements whose children have places (MathML 3, chapter 3); what holds any number of them is written as it comes.
const writers: Readonly<Record<string, Write>> = {
  MSUP: ([base = '', above]) => `${base}^${group(above)}`,
  MSUB: ([base = '', below]) => `${base}_${group(below)}`,
  MSUBSUP: ([base = '', below, above]) => `${base}_${group(below)}^${group(above)}`,
  MUNDER: ([base = '', below]) => `${base}_${group(below)}`,
  MOVER: ([base = '', above]) => `${base}^${group(above)}`,
  MUNDEROVER: ([base = '', below, above]) => `${base}_${group(below)}^${group(above)}`,
  MFRAC: ([upper = '', lower = '']) => `\\frac{${upper}}{${lower}}`,
  MSQRT: (parts) => `\\sqrt{${parts.join('')}}`,
  MROOT: ([base = '', degree = '']) => `\\sqrt[${degree}]{${base}}`,
  MTABLE: (rows) => rows.join(' \\\\ '),
  MTR: (cells) => cells.join(' & '),
  MTEXT: (parts) => ` ${parts.join('')} `,
  ANNOTATION: () => '',
  'ANNOTATION-XML': () => '',
};

/** A formula of MathML in the notation of LaTeX, so that raised, lowered and divided parts are told apart in plain text. */
export function mathmlToLatex(math: HtmlElement): string {
  return write(math, 0).replaceAll(/\s+/g, ' ').trim();
}

const deepest = 100;

function write(node: HtmlNode, depth: number): string {
  if (node.nodeType === nodeTypes.text) return (node.textContent ?? '').trim();
  if (node.nodeType !== nodeTypes.element) return '';
  if (depth > deepest) return node.textContent ?? '';
  const named = writers[node.nodeName.toUpperCase().replace(/^.*:/, '')];
  // White space between elements has no place of its own.
  const parts = [...node.childNodes]
    .filter(({ nodeType, textContent }) => nodeType === nodeTypes.element || (textContent ?? '').trim() !== '')
    .map((child) => write(child, depth + 1));
  return named === undefined ? parts.join('') : named(parts);
}
