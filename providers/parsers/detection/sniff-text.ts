import type { MediaType } from '../../../domain/documents/media-types.ts';

/** What a text is by its content: `certain` if it says so itself, not merely looks like it. */
export interface SniffedText {
  readonly mimeType: MediaType;
  readonly certain: boolean;
}

const mailHeader =
  /^(?:from|to|cc|subject|date|message-id|mime-version|received|return-path|delivered-to|reply-to|sender|content-type|content-transfer-encoding|dkim-signature|x-[a-z-]+|user-agent|in-reply-to|references):[ \t]/i;
const htmlStart = /^(?:\s|<!--[\s\S]*?-->|<\?xml[^>]*\?>)*<(?:!doctype\s+html|html[\s>]|head[\s>]|body[\s>])/i;
const fragmentStart =
  /^(?:\s|<!--[\s\S]*?-->)*<(?:meta|title|link|style|script|div|span|section|article|main|header|nav|p|h[1-6]|table|ul|ol|blockquote|pre|form|center|font)(?=[\s>/])/i;
const xmlStart = /^\s*<\?xml\s/i;

/**
 * Finds what a text is from its begin (its first kilobytes, of which only ASCII need be right) and its end; null if it
 * looks like nothing in particular.
 */
export function sniffText(head: string, tail: string): SniffedText | null {
  if (head.startsWith('{\\rtf')) return { mimeType: 'application/rtf', certain: true };
  if (htmlStart.test(head)) return { mimeType: 'text/html', certain: true };
  if (xmlStart.test(head)) return { mimeType: 'application/xml', certain: true };
  if (isMail(head)) return { mimeType: 'message/rfc822', certain: true };
  const json = sniffJson(head, tail);
  if (json) return json;
  if (/^#!\s*\//.test(head)) return { mimeType: 'text/x-source', certain: true };
  if (fragmentStart.test(head)) return { mimeType: 'text/html', certain: false };
  if (/^\s*<([a-z_][\w.:-]*)[\s>]/i.test(head) && /<\/[\w.:-]+>\s*$/.test(tail)) {
    return { mimeType: 'application/xml', certain: false };
  }
  if (looksLikeCode(head)) return { mimeType: 'text/x-source', certain: false };
  const separator = findSeparator(head);
  if (separator) return { mimeType: separator === '\t' ? 'text/tab-separated-values' : 'text/csv', certain: false };
  return looksLikeMarkdown(head) ? { mimeType: 'text/markdown', certain: false } : null;
}

/** Two headers of mail at least, one of which says from whom or by whom it came, before anything else. */
function isMail(head: string): boolean {
  const lines = head.replace(/^From .*\r?\n/, '').split(/\r?\n/, 60);
  const headers: string[] = [];
  for (const line of lines) {
    if (line === '') break;
    if (/^[ \t]/.test(line) && headers.length > 0) continue;
    if (!/^[!-9;-~]+:/.test(line)) return false;
    headers.push(line);
  }
  const known = headers.filter((line) => mailHeader.test(line));
  return known.length >= 3 && known.some((line) => /^(?:from|received|return-path|message-id):/i.test(line));
}

function sniffJson(head: string, tail: string): SniffedText | null {
  const first = head.trimStart()[0];
  const last = tail.trimEnd().at(-1);
  if (!((first === '{' && last === '}') || (first === '[' && last === ']'))) return null;
  if (!/^\s*(?:\{\s*(?:"|\})|\[\s*(?:["{[\]\d-]|true|false|null))/.test(head)) return null;
  const whole = `${head}\n${tail}`;
  if (first === '{' && /"nbformat(?:_minor)?"\s*:/.test(whole) && /"cells"\s*:/.test(whole)) {
    return { mimeType: 'application/x-ipynb+json', certain: true };
  }
  const [one = '', two = ''] = head.trimStart().split(/\r?\n/, 2);
  const perLine = isJson(one) && /^[{[]/.test(two);
  return { mimeType: perLine ? 'application/x-ndjson' : 'application/json', certain: false };
}

function isJson(line: string): boolean {
  try {
    return typeof JSON.parse(line) === 'object';
  } catch {
    return false;
  }
}

/** The character that splits each of the first lines into as many cells, of which prose has none. */
function findSeparator(head: string): string | null {
  const lines = head.split(/\r?\n/).slice(0, 20);
  const whole = (head.length < 8192 ? lines : lines.slice(0, -1)).filter((line) => line.trim() !== '');
  if (whole.length < 3) return null;
  const found = ['\t', ';', ',', '|'].find((separator) => {
    const counts = whole.map((line) => line.split(separator).length);
    const spaced = whole.filter((line) => line.includes(`${separator} `)).length;
    return (
      counts[0]! > (separator === ',' ? 2 : 1) &&
      counts.every((count) => count === counts[0]) &&
      spaced * 2 < whole.length
    );
  });
  return found ?? null;
}

/** Several lines as only programs have them; one alone may stand in prose that speaks of programs. */
function looksLikeCode(head: string): boolean {
  const signs = [
    /^(?:package [\w.]+;?|import (?:[\w.{*]+|"[^"]+").*|from [\w.]+ import .*|using [\w.]+;|#include [<"].*)$/m,
    /^\s*(?:export |public |private |static |async |pub )*(?:def \w+\(.*|func(?:tion)? \w*\(.*|fn \w+.*|class \w+.*)[:{]$/m,
    /^\s*(?:const|let|var|val) \w+.*=/m,
    /^\s*return\b.*$/m,
    /[;{}]\s*$/m,
  ];
  return signs.filter((sign) => sign.test(head)).length >= 3 && !/^#{1,6} \S/m.test(head);
}

function looksLikeMarkdown(head: string): boolean {
  const signs = [
    /^#{1,6} \S/m,
    /^```/m,
    /\[[^\]\n]+\]\((?:https?:|\/|#|\.)[^)\n]*\)/,
    /^\s*\|(?:\s*:?-+:?\s*\|)+\s*$/m,
    /^(?:[-*+]|\d+\.) .*\n(?:[-*+]|\d+\.) /m,
    /\*\*[^*\n]+\*\*/,
    /^---\n(?:[\w-]+:.*\n)+---\n/,
  ];
  const found = signs.filter((sign) => sign.test(head)).length;
  return found >= 2 || /^#{1,6} \S/.test(head.trimStart());
}
