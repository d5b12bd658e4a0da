// A result that says "</result>" must not end its own frame.
const frameEnd = /<(?=\/result\b)/gi;

/**
 * What a tool gave as the model sees it: in a frame, so that what stands in it is data and no instruction. With `keep`
 * only so many characters of its beginning stay, and the frame says how many are missing.
 */
export function presentResult(
  result: { name: string; content: string; isError?: boolean },
  keep: number = Number.POSITIVE_INFINITY,
): string {
  const { name, content, isError = false } = result;
  const kept = beginningOf(content, keep);
  const missing = content.length - kept.length;
  const cut = missing === 0 ? '' : `\n[${missing} characters are left out here to save room]`;
  return `<result tool="${name}"${isError ? ' error="true"' : ''}>\n${kept.replace(frameEnd, '<\\')}${cut}\n</result>`;
}

/** The first `length` UTF-16 units of a text, or one less where that would halve a character. */
export function beginningOf(text: string, length: number): string {
  if (text.length <= length) return text;
  const unit = text.charCodeAt(length - 1);
  return text.slice(0, unit >= 0xd800 && unit <= 0xdbff ? length - 1 : length);
}
