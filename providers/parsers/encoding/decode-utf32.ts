/** Reads UTF-32, which TextDecoder does not know; what is no character becomes U+FFFD. */
export function decodeUtf32(bytes: Uint8Array, littleEndian: boolean): string {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const parts: string[] = [];
  let units: number[] = [];
  for (let offset = 0; offset + 4 <= bytes.byteLength; offset += 4) {
    const point = view.getUint32(offset, littleEndian);
    units.push(point > 0x10ffff || (point >= 0xd800 && point <= 0xdfff) ? 0xfffd : point);
    if (units.length < 4096) continue;
    parts.push(String.fromCodePoint(...units));
    units = [];
  }
  parts.push(String.fromCodePoint(...units));
  if (bytes.byteLength % 4 !== 0) parts.push('\uFFFD');
  return parts.join('');
}
