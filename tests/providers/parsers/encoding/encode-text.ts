const tables = new Map<string, Map<string, number[]>>();

/** Encodes text in a charset that TextDecoder reads; throws if a character is not in it. */
export function encodeText(text: string, charset: string): Buffer {
  if (charset === 'utf-8') return Buffer.from(text);
  if (charset.startsWith('utf-16')) {
    const bytes = Buffer.from(text, 'utf16le');
    return charset === 'utf-16le' ? bytes : bytes.swap16();
  }
  if (charset.startsWith('utf-32')) {
    const points = Buffer.from(Uint32Array.from(Array.from(text), (character) => character.codePointAt(0)!).buffer);
    return charset === 'utf-32le' ? points : points.swap32();
  }
  if (charset === 'iso-2022-jp') return encodeIso2022(text);
  const table = tableOf(charset);
  const bytes = Array.from(text).flatMap((character) => {
    const found = table.get(character);
    if (found === undefined) throw new Error(`${charset} has no ${character}.`);
    return found;
  });
  return Buffer.from(bytes);
}

/** JIS X 0208 in seven bits: the two bytes of EUC-JP without their upper bits, between two escapes. */
function encodeIso2022(text: string): Buffer {
  const bytes = encodeText(text, 'euc-jp').map((byte) => byte & 0x7f);
  return Buffer.concat([Buffer.from('\u001B$B', 'latin1'), bytes, Buffer.from('\u001B(B', 'latin1')]);
}

/** All characters of one and two bytes, found by decoding them. */
function tableOf(charset: string): Map<string, number[]> {
  const known = tables.get(charset);
  if (known) return known;
  const table = new Map<string, number[]>();
  const decoder = new TextDecoder(charset, { fatal: true });
  const add = (...bytes: number[]): void => {
    try {
      const text = decoder.decode(Uint8Array.from(bytes));
      if (Array.from(text).length === 1 && !table.has(text)) table.set(text, bytes);
    } catch {
      // These bytes are no character.
    }
  };
  for (let byte = 0; byte < 256; byte += 1) add(byte);
  if (/^(?:shift_jis|euc|gb|big5)/.test(charset)) {
    for (let lead = 0x81; lead < 0xff; lead += 1) for (let trail = 0x40; trail < 0xff; trail += 1) add(lead, trail);
  }
  tables.set(charset, table);
  return table;
}
