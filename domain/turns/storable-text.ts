/** Text without what PostgreSQL cannot keep: the character NUL, and halves of characters become U+FFFD. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
}

/** A value as JSON that PostgreSQL can keep: its texts, keys included, are storable. */
export function storableValue<Value>(value: Value): Value {
  return storableParts(value) as Value;
}

function storableParts(value: unknown): unknown {
  if (typeof value === 'string') return storableText(value);
  if (Array.isArray(value)) return value.map(storableParts);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [storableText(key), storableParts(part)]));
}

/** Makes the pieces of a stream storable; a character that was cut in two is put together again. */
export function createTextJoiner(): (piece: string) => string {
  let half = '';
  return (piece) => {
    const text = half + piece;
    const last = text.charCodeAt(text.length - 1);
    half = last >= 0xd800 && last <= 0xdbff ? text.slice(-1) : '';
    return storableText(half === '' ? text : text.slice(0, -1));
  };
}
