/** Text whose letters beyond ASCII were written with bytes of ASCII. */
export interface SevenBitText {
  readonly charset: 'iso-2022-jp' | 'iso-2022-kr' | 'iso-2022-cn' | 'hz-gb-2312';
  readonly text: string;
}

const escape = '\u001B';
const lookedAt = 65_536;
// What a byte with its upper bit set is read as, once the escape has named the set that SO shifts to.
const shifted = [
  { mark: `${escape}$)C`, charset: 'iso-2022-kr', wide: 'euc-kr' },
  { mark: `${escape}$)A`, charset: 'iso-2022-cn', wide: 'gb18030' },
] as const;
// The characters of everyday use; letters of ASCII that happen to stand between braces are seldom among them.
const isCommonHan = (byte: number): boolean => byte >= 0xb0 && byte <= 0xd7;

/**
 * Reads the charsets of old mail that switch between ASCII and the characters of East Asia: ISO-2022-JP (RFC 1468), -KR
 * (RFC 1557) and -CN (RFC 1922, its simplified half), and HZ (RFC 1843); null if the bytes are in none of them.
 */
export function decodeSevenBit(bytes: Uint8Array): SevenBitText | null {
  const head = Buffer.from(bytes.buffer, bytes.byteOffset, Math.min(bytes.byteLength, lookedAt)).toString('latin1');
  if (head.includes(escape)) {
    const kind = shifted.find(({ mark }) => head.includes(mark));
    if (kind) return readStrictly(kind.charset, () => shiftOut(latin1(bytes), kind));
    if (!['$B', '$@', '(I'].some((shift) => head.includes(`${escape}${shift}`))) return null;
    return readStrictly('iso-2022-jp', () => decode(bytes, 'iso-2022-jp'));
  }
  if (!head.includes('~{') || bytes.some((byte) => byte > 0x7f)) return null;
  return readStrictly('hz-gb-2312', () => readHz(latin1(bytes)));
}

function readStrictly(charset: SevenBitText['charset'], read: () => string | null): SevenBitText | null {
  try {
    const text = read();
    return text === null ? null : { charset, text };
  } catch {
    return null;
  }
}

/** Between SO and SI two bytes are a character; a line's end ends that. A mark alone on its line is no line of the text. */
function shiftOut(text: string, { mark, wide }: (typeof shifted)[number]): string | null {
  const lines = text.replaceAll(`${mark}\r\n`, '').replaceAll(`${mark}\n`, '').replaceAll(mark, '').split('\n');
  if (lines.some((line) => line.includes(escape))) return null;
  return lines
    .map((line) =>
      line
        .split('\u000E')
        .map((part, index) => {
          if (index === 0) return part;
          const [characters = '', ...ascii] = part.split('\u000F');
          return decode(raised(characters), wide) + ascii.join('');
        })
        .join(''),
    )
    .join('\n');
}

/** `~{` begins characters of two bytes, `~}` ends them, `~~` is a tilde; null if what stands between is no such text. */
function readHz(text: string): string | null {
  let pairs = 0;
  let common = 0;
  let isHz = true;
  const read = text.replaceAll(
    /~\{([^\n]*?)(~\}|\n|$)|~~|~\n/g,
    (found, characters: string | undefined, end: string) => {
      if (characters === undefined) return found === '~~' ? '~' : '';
      if (end !== '~}' || characters.length % 2 === 1 || /[^!-~]/.test(characters)) {
        isHz = false;
        return found;
      }
      const bytes = raised(characters);
      for (let index = 0; index < bytes.length; index += 2) {
        pairs += 1;
        if (isCommonHan(bytes[index]!)) common += 1;
      }
      return decode(bytes, 'gb18030');
    },
  );
  return isHz && pairs > 3 && common >= pairs * 0.6 ? read : null;
}

/** The bytes of a half of seven bits with their upper bit set; spaces and tabs stay. */
function raised(characters: string): Uint8Array {
  return Uint8Array.from(characters, (character) => {
    const byte = character.codePointAt(0)!;
    return byte > 0x20 && byte < 0x7f ? byte | 0x80 : byte;
  });
}

/** @throws TypeError where the bytes are not valid. */
function decode(bytes: Uint8Array, charset: string): string {
  return new TextDecoder(charset, { fatal: true }).decode(bytes);
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
}
