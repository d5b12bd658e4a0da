import { childOf, elementsOf, textOf, valueOf } from '../office/xml-element.ts';
import type { XmlElement } from '../office/xml-element.ts';

const accents: Readonly<Record<string, string>> = {
  '\u0302': 'hat', '\u0303': 'tilde', '\u0304': 'bar', '\u0305': 'overline', '\u0307': 'dot', '\u0308': 'ddot',
  '\u20d7': 'vec', '\u030c': 'check', '\u0306': 'breve',
}; // prettier-ignore

const bigOperators: Readonly<Record<string, string>> = {
  '∑': '\\sum', '∏': '\\prod', '∫': '\\int', '∬': '\\iint', '∭': '\\iiint', '∮': '\\oint', '⋃': '\\bigcup',
  '⋂': '\\bigcap', '∐': '\\coprod', '⋁': '\\bigvee', '⋀': '\\bigwedge',
}; // prettier-ignore

/** An equation of Office (OMML, ISO/IEC 29500-1, 22.1) on one line in the notation of LaTeX; letters and signs stay as they are. */
export function mathToLatex(element: XmlElement): string {
  // Between a function and its argument stands an invisible sign.
  return inner(element)
    .replaceAll(/[\u2061-\u2064]/g, ' ')
    .replaceAll(/\s+/g, ' ')
    .trim();
}

const converters: Readonly<Record<string, (element: XmlElement) => string>> = {
  'm:f': (element) => `\\frac{${part(element, 'm:num')}}{${part(element, 'm:den')}}`,
  'm:sSup': (element) => `${base(element)}^{${part(element, 'm:sup')}}`,
  'm:sSub': (element) => `${base(element)}_{${part(element, 'm:sub')}}`,
  'm:sSubSup': (element) => `${base(element)}_{${part(element, 'm:sub')}}^{${part(element, 'm:sup')}}`,
  'm:sPre': (element) => `{}_{${part(element, 'm:sub')}}^{${part(element, 'm:sup')}}${base(element)}`,
  'm:rad': (element) => {
    const degree = part(element, 'm:deg');
    return `\\sqrt${degree === '' ? '' : `[${degree}]`}{${part(element, 'm:e')}}`;
  },
  'm:nary': (element) => {
    const sign = valueOf(childOf(element, 'm:naryPr'), 'm:chr') ?? '∫';
    return `${bigOperators[sign] ?? sign}${limits(element)}{${part(element, 'm:e')}}`;
  },
  'm:d': (element) => {
    const properties = childOf(element, 'm:dPr');
    const separator = valueOf(properties, 'm:sepChr') ?? '|';
    const parts = elementsOf(element).filter(({ name }) => name === 'm:e');
    const open = valueOf(properties, 'm:begChr') ?? '(';
    return `${open}${parts.map((entry) => inner(entry)).join(separator)}${valueOf(properties, 'm:endChr') ?? ')'}`;
  },
  'm:func': (element) => `${part(element, 'm:fName')}{${part(element, 'm:e')}}`,
  'm:limLow': (element) => `${base(element)}_{${part(element, 'm:lim')}}`,
  'm:limUpp': (element) => `${base(element)}^{${part(element, 'm:lim')}}`,
  'm:acc': (element) => {
    const sign = valueOf(childOf(element, 'm:accPr'), 'm:chr') ?? '\u0302';
    return `\\${accents[sign] ?? 'hat'}{${part(element, 'm:e')}}`;
  },
  'm:bar': (element) => {
    const below = valueOf(childOf(element, 'm:barPr'), 'm:pos') !== 'top';
    return `\\${below ? 'underline' : 'overline'}{${part(element, 'm:e')}}`;
  },
  'm:groupChr': (element) => `\\underbrace{${part(element, 'm:e')}}`,
  'm:m': (element) => {
    const rows = elementsOf(element).filter(({ name }) => name === 'm:mr');
    const lines = rows.map((row) =>
      elementsOf(row)
        .filter(({ name }) => name === 'm:e')
        .map(inner)
        .join(' & '),
    );
    return `\\begin{matrix}${lines.join(' \\\\ ')}\\end{matrix}`;
  },
  'm:eqArr': (element) => {
    const lines = elementsOf(element).filter(({ name }) => name === 'm:e');
    return `\\begin{cases}${lines.map(inner).join(' \\\\ ')}\\end{cases}`;
  },
  'm:t': textOf,
  'w:t': textOf,
};

function inner(element: XmlElement): string {
  return elementsOf(element)
    .filter(({ name }) => !name.endsWith('Pr') && name !== 'w:del')
    .map((child) => (converters[child.name] ?? inner)(child))
    .join('');
}

function part(element: XmlElement, name: string): string {
  const child = childOf(element, name);
  return child === undefined ? '' : inner(child);
}

// What is raised or lowered stands behind one group.
function base(element: XmlElement): string {
  const text = part(element, 'm:e');
  return /^.?$/u.test(text) ? text : `{${text}}`;
}

function limits(element: XmlElement): string {
  const [low, high] = [part(element, 'm:sub'), part(element, 'm:sup')];
  return `${low === '' ? '' : `_{${low}}`}${high === '' ? '' : `^{${high}}`}`;
}
