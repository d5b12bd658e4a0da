import { suspectGarbled } from './suspect-garbled.ts';

const longest = 200;
// What programs write where nobody has given a title: names of files, of the program, and of a new document.
const nameOfFile =
  /^[a-z]:\\|\.(?:doc[xm]?|dotx?|xls[xmb]?|ppt[xm]?|pps|od[tspg]|sxw|wpd|rtf|txt|md|pdf|ps|eps|dvi|tex|fm|indd|qx[dp]|p65|pmd|pub|vsdx?|ai|cdr|pages|numbers|key|html?|xml|csv|eml|msg|tmp|bak|tiff?|jpe?g|png)$/i;
const program =
  /^(?:(?:microsoft|ms) (?:word|excel|powerpoint|office)|(?:libre|open)office(?:\.org)?(?: (?:writer|calc|impress))?)(?: \d+)?\s*(?:[-–]|$)/i;
const newDocument =
  /^(?:untitled|unbenannt|sans titre|sin título|senza titolo|document|dokument|documento|book|mappe|classeur|presentation|powerpoint presentation|präsentation|présentation|presentación|slide|folie|sheet|tabelle|title|titel|no subject|\(?(?:anonymous|none|null|unknown|unspecified)\)?)[\s_-]*\(?\d*\)?$/i;
const numbered = /^(?:[\d.]+[.)]?\s|(?:page|seite)\s*\d)/i;

/**
 * What a document names as its title, on one line and with 200 characters at most, if a reader would take it for one: no
 * file's or program's name, not what a new document is called, no number of a section or page, and not garbled; else null.
 */
export function sensibleTitle(found: string | null): string | null {
  const title = (found ?? '').replaceAll(/[\s\p{Cc}]+/gu, ' ').trim();
  if ((title.match(/\p{L}/gu)?.length ?? 0) < 2 || title.length > 2 * longest) return null;
  if ([nameOfFile, program, newDocument, numbered].some((pattern) => pattern.test(title))) return null;
  // An id or a hash.
  if (!title.includes(' ') && /\d/.test(title) && /^[\w-]{16,}$/.test(title)) return null;
  if (suspectGarbled(title, 'data') !== null) return null;
  return title.length > longest
    ? `${title
        .slice(0, longest)
        .toWellFormed()
        .replace(/\s+\S*$/, '')} …`
    : title;
}

/** Whether a title is only what its document was sent as: the last part of its path or file name, or no name at all. */
export function isFileTitle(title: string, ...names: readonly (string | null)[]): boolean {
  const lastPart = (name: string): string | undefined => name.split(/[\\/]/).findLast((part) => part !== '');
  return title === 'Untitled' || names.some((name) => name !== null && lastPart(name)?.slice(0, 500) === title);
}
