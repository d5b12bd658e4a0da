import { detectAll } from 'jschardet';
import { judgeLetters } from '../../../domain/documents/judge-letters.ts';

/** A charset in which bytes can be read, and how sure that is, from 0 to 1. */
export interface CharsetGuess {
  readonly charset: string;
  readonly text: string;
  readonly confidence: number;
}

// What is found in documents and what TextDecoder reads; the detector knows many more, which only mislead it.
const known =
  /^(?:shift_jis|euc-jp|gb18030|big5|euc-kr|windows-(?:125\d|874)|koi8-[ru]|iso-8859-(?:[2-9]|1[0345])|ibm866)$/;
const aliases: Record<string, string> = {
  cp932: 'shift_jis',
  cp949: 'euc-kr',
  cp874: 'windows-874',
  'tis-620': 'windows-874',
  cp1258: 'windows-1258',
  gb2312: 'gb18030',
  gbk: 'gb18030',
};
// The detector needs no more, and takes milliseconds for each kilobyte. One damaged byte makes it rule a charset out, so
// the sample is shown in parts.
const lookedAt = 16_384;
const partBytes = 4096;

/** The charsets in which bytes that are not UTF-8 can be read with hardly a fault, the likeliest first; none twice. */
export function detectCharset(bytes: Uint8Array): CharsetGuess[] {
  const guesses = new Map<string, CharsetGuess>();
  for (const [charset, confidence] of vote(sample(bytes))) {
    const text = decodeNearly(bytes, charset);
    if (text === null || guesses.has(text)) continue;
    const { words, odd } = judgeLetters(text, 200);
    const plausible = words === 0 ? 1 : Math.max(0, 1 - (2 * odd) / words);
    // Controls of ISO 8859 stand in no text of today; windows-125x has letters and quotes in their place.
    const dated = /[\u0080-\u0084\u0086-\u009F]/.test(text) ? 0.3 : 1;
    guesses.set(text, {
      charset,
      text,
      confidence: confidence * plausible * dated * (text.includes('\uFFFD') ? 0.8 : 1),
    });
  }
  return [...guesses.values()].sort((a, b) => b.confidence - a.confidence);
}

/** The mean of the confidence that the parts of a sample give each charset. */
function vote(text: Buffer): Map<string, number> {
  const votes = new Map<string, number>();
  const parts = split(text);
  for (const part of parts) {
    const best = new Map<string, number>();
    for (const { encoding, confidence } of detectAll(part)) {
      const charset = toLabel(encoding);
      if (charset !== null) best.set(charset, Math.max(best.get(charset) ?? 0, confidence));
    }
    for (const [charset, confidence] of best) votes.set(charset, (votes.get(charset) ?? 0) + confidence / parts.length);
  }
  return votes;
}

/** Parts that begin with a line, so that none begins within a letter. */
function split(text: Buffer): Buffer[] {
  const parts: Buffer[] = [];
  for (let start = 0; start < text.length;) {
    const line = text.indexOf(0x0a, start + partBytes);
    const end = line < 0 || line > start + 2 * partBytes ? Math.min(text.length, start + 2 * partBytes) : line + 1;
    parts.push(text.subarray(start, end));
    start = end;
  }
  return parts.length === 0 ? [text] : parts;
}

/** The text of bytes that are valid in a charset, else null. */
export function decodeStrictly(bytes: Uint8Array, charset: string): string | null {
  try {
    return new TextDecoder(charset, { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch {
    return null;
  }
}

/** Likewise, but for one place in a hundred that is damaged, which becomes U+FFFD. */
export function decodeNearly(bytes: Uint8Array, charset: string): string | null {
  const text = decodeStrictly(bytes, charset);
  if (text !== null) return text;
  const damaged = new TextDecoder(charset).decode(bytes);
  const lost = damaged.split('\uFFFD').length - 1;
  return lost * 100 < countBeyondAscii(damaged) ? damaged : null;
}

function countBeyondAscii(text: string): number {
  let count = 0;
  for (let index = 0; index < text.length; index += 1) if (text.charCodeAt(index) > 0x7f) count += 1;
  return count;
}

function toLabel(encoding: string | null): string | null {
  const name = (encoding ?? '').toLowerCase().replace(/^iso8859/, 'iso-8859');
  const label = aliases[name] ?? name;
  return known.test(label) ? label : null;
}

/** The part that says most: from shortly before the first byte beyond ASCII, and without tags. */
function sample(bytes: Uint8Array): Buffer {
  const first = bytes.findIndex((byte) => byte > 0x7f);
  const start = Math.max(0, Math.min(first - 64, bytes.length - 4 * lookedAt));
  const text = Buffer.from(bytes.subarray(start, start + 4 * lookedAt)).toString('latin1');
  return Buffer.from(text.replaceAll(/<[!/?a-z][\0-\x7f]{0,2000}?>/gi, ' ').slice(0, lookedAt), 'latin1');
}
