import type { Email } from 'postal-mime';
import PostalMime from 'postal-mime';
import { decodeBytes } from '../../encoding/decode-bytes.ts';
import { decodeStrictly } from '../../encoding/detect-charset.ts';

// A message within a message within a message is a chain of forwards; deeper ones are made to exhaust readers.
const deepest = 30;
const lostCharacter = '\uFFFD';
const textType = /^(content-type\s*:\s*text\/(?:plain|html))([^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)/gim;
const charsetParameter = /;\s*charset\s*=\s*(?:"([^"]*)"|([^\s;"]*))/i;

// Each byte is one character of windows-1252 as browsers read it, so the bytes can be had back.
const decoder = new TextDecoder('windows-1252');
const singleBytes = new Map(
  Array.from({ length: 256 }, (_, byte): [string, number] => [decoder.decode(Uint8Array.of(byte)), byte]),
);

/**
 * Takes a message apart (RFC 5322, 2045 to 2047). Where the charset that a part declares does not fit its bytes, or none
 * is declared, it is found from them.
 */
export async function readMail(bytes: Uint8Array): Promise<Email> {
  const email = await parse(bytes);
  const raw = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  const headers = headersLost(email) ? await parse(withReadableHeaders(raw)) : email;
  const declared = [...raw.matchAll(textType)].map(([, , rest = '']) => charsetParameter.exec(rest));
  const charsets = declared.map((match) => match?.[1] ?? match?.[2]);
  if (!`${email.text ?? ''}${email.html ?? ''}`.includes(lostCharacter)) {
    const mend = charsets.every((name) => /^utf-?8$/i.test(name ?? '')) ? (text: string) => text : withoutMojibake;
    return { ...email, ...headersOf(headers), ...textsOf(email, mend) };
  }
  const charset = charsets.find((name) => name !== undefined) ?? null;
  const typed = /^content-type\s*:/im.test(raw) ? raw : `Content-Type: text/plain\r\n${raw}`;
  const asBytes = await parse(Buffer.from(typed.replaceAll(textType, asWindows1252), 'latin1'));
  return { ...email, ...headersOf(headers), ...textsOf(asBytes, (text) => redecode(text, charset)) };
}

function textsOf({ text, html }: Email, read: (text: string) => string): Partial<Email> {
  return {
    ...(text === undefined ? {} : { text: read(text) }),
    ...(html === undefined ? {} : { html: read(html) }),
  };
}

/** Undoes that UTF-8 was called ASCII or Latin: by chance not each run of bytes beyond ASCII would be valid UTF-8. */
function withoutMojibake(text: string): string {
  let isUtf8 = true;
  const mended = text.replaceAll(/[^\0-\x7f]+/g, (run) => {
    const bytes = Array.from(run, (character) => singleBytes.get(character) ?? -1);
    const decoded = bytes.includes(-1) ? null : decodeStrictly(Uint8Array.from(bytes), 'utf-8');
    isUtf8 &&= decoded !== null;
    return decoded ?? run;
  });
  return isUtf8 ? mended : text;
}

function parse(bytes: Uint8Array): Promise<Email> {
  return PostalMime.parse(bytes, { maxNestingDepth: deepest });
}

function asWindows1252(_: string, type: string, rest: string): string {
  return `${type}${rest.replace(charsetParameter, '')}; charset=windows-1252`;
}

function redecode(text: string, declared: string | null): string {
  const bytes = Uint8Array.from(text, (character) => singleBytes.get(character) ?? 0x3f);
  return decodeBytes(bytes, declared).text;
}

function headersLost({ subject, from }: Email): boolean {
  return `${subject ?? ''}${from?.name ?? ''}`.includes(lostCharacter);
}

/** Header lines are ASCII by the standard; those of careless programs are in the charset of the writer. */
function withReadableHeaders(raw: string): Uint8Array {
  const end = /\r?\n\r?\n/.exec(raw)?.index ?? raw.length;
  const { text } = decodeBytes(Buffer.from(raw.slice(0, end), 'latin1'));
  return Buffer.from(`${text}\r\n\r\n`, 'utf8');
}

function headersOf({ subject, from, to, cc }: Email): Partial<Email> {
  return {
    ...(subject === undefined ? {} : { subject }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(cc === undefined ? {} : { cc }),
  };
}
