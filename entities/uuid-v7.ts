let last = 0;

/**
 * A UUID of version 7 (RFC 9562): ids made later sort later, also those that this process makes within one millisecond
 * (method 3 of section 6.2: twelve bits of the fraction follow the milliseconds).
 */
export function uuidV7(): string {
  const now = performance.timeOrigin + performance.now();
  // Never backwards and never twice the same, whatever the clock does.
  last = Math.max(Math.floor(now * 4096), last + 1);
  const milliseconds = Math.floor(last / 4096);
  const fraction = last % 4096;
  const bytes = crypto.getRandomValues(new Uint8Array(8));
  bytes[0] = (bytes[0]! & 0x3f) | 0x80;
  const time = milliseconds.toString(16).padStart(12, '0');
  const random = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
  return [
    time.slice(0, 8),
    time.slice(8),
    `7${fraction.toString(16).padStart(3, '0')}`,
    random.slice(0, 4),
    random.slice(4),
  ].join('-');
}
