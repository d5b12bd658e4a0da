/** Text without what PostgreSQL cannot keep: the character NUL, and halves of characters become U+FFFD. */
export function storableText(text: string): string {
  return text.replaceAll('\0', '').toWellFormed();
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
