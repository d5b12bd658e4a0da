/** A form of Unicode that bytes are in, and how many bytes its mark takes at their begin. */
export interface UnicodeForm {
  readonly charset: 'utf-8' | 'utf-16le' | 'utf-16be' | 'utf-32le' | 'utf-32be';
  readonly markBytes: number;
}

const marks: readonly { charset: UnicodeForm['charset']; mark: readonly number[] }[] = [
  { charset: 'utf-8', mark: [0xef, 0xbb, 0xbf] },
  { charset: 'utf-32le', mark: [0xff, 0xfe, 0, 0] },
  { charset: 'utf-32be', mark: [0, 0, 0xfe, 0xff] },
  { charset: 'utf-16le', mark: [0xff, 0xfe] },
  { charset: 'utf-16be', mark: [0xfe, 0xff] },
];
const lookedAt = 4096;

/** The form that a byte order mark names, or that the places of NUL bytes give away; null if neither does. */
export function detectUnicode(bytes: Uint8Array): UnicodeForm | null {
  const marked = marks.find(({ mark }) => mark.every((byte, index) => bytes[index] === byte));
  if (marked) return { charset: marked.charset, markBytes: marked.mark.length };
  const charset = fromNuls(bytes.subarray(0, lookedAt));
  return charset && { charset, markBytes: 0 };
}

// ASCII's letters have their NUL bytes in the same place of each unit, whatever else the text holds.
function fromNuls(bytes: Uint8Array): UnicodeForm['charset'] | null {
  const nuls = [0, 0, 0, 0];
  for (const [index, byte] of bytes.entries()) if (byte === 0) nuls[index % 4]! += 1;
  const [a = 0, b = 0, c = 0, d = 0] = nuls;
  const units = bytes.length / 4;
  if (units < 1) return null;
  // In UTF-32 the uppermost byte is always NUL.
  if (d >= units * 0.99 && c > units * 0.9 && a < units * 0.05) return 'utf-32le';
  if (a >= units * 0.99 && b > units * 0.9 && d < units * 0.05) return 'utf-32be';
  const even = a + c;
  const odd = b + d;
  // Fewer are letters of other scripts, whose lower byte happens to be NUL.
  const least = units * 0.2;
  if (odd > least && even <= odd * 0.02) return 'utf-16le';
  if (even > least && odd <= even * 0.02) return 'utf-16be';
  return null;
}
