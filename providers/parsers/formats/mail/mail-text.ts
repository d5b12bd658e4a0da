import type { Email } from 'postal-mime';
import PostalMime from 'postal-mime';
import { decodeBytes } from '../../encoding/decode-bytes.ts';

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
  if (!`${email.text ?? ''}${email.html ?? ''}`.includes(lostCharacter)) return { ...email, ...headersOf(headers) };
  const declared = [...raw.matchAll(textType)].map(([, , rest = '']) => charsetParameter.exec(rest));
  const charset = declared.map((match) => match?.[1] ?? match?.[2]).find((name) => name !== undefined) ?? null;
  const typed = /^content-type\s*:/im.test(raw) ? raw : `Content-Type: text/plain\r\n${raw}`;
  const asBytes = await parse(Buffer.from(typed.replaceAll(textType, asWindows1252), 'latin1'));
  return {
    ...email,
    ...headersOf(headers),
    ...(asBytes.text === undefined ? {} : { text: redecode(asBytes.text, charset) }),
    ...(asBytes.html === undefined ? {} : { html: redecode(asBytes.html, charset) }),
  };
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
