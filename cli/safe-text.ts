/** `text` without control characters but line breaks and tabs: what a model or a document says must not steer a terminal. */
export function safeText(text: string): string {
  return text.replaceAll(/(?![\n\t])\p{Cc}/gu, '');
}
