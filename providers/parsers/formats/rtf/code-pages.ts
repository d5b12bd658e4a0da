// What WHATWG's decoders call the code pages of Windows.
const byNumber: Readonly<Record<number, string>> = {
  437: 'ibm866', 850: 'windows-1252', 866: 'ibm866', 874: 'windows-874', 932: 'shift_jis', 936: 'gbk', 949: 'euc-kr',
  950: 'big5', 10000: 'macintosh', 10007: 'x-mac-cyrillic', 65001: 'utf-8',
}; // prettier-ignore

// Character sets of fonts.
const byCharset: Readonly<Record<number, string>> = {
  77: 'macintosh', 128: 'shift_jis', 129: 'euc-kr', 134: 'gbk', 136: 'big5', 161: 'windows-1253', 162: 'windows-1254',
  163: 'windows-1258', 177: 'windows-1255', 178: 'windows-1256', 186: 'windows-1257', 204: 'windows-1251',
  222: 'windows-874', 238: 'windows-1250',
}; // prettier-ignore

/** The encoding of a Windows code page. */
export function encodingOfCodePage(number: number): string {
  return byNumber[number] ?? (number >= 1250 && number <= 1258 ? `windows-${number}` : 'windows-1252');
}

/** The encoding of a font's character set; null where it is that of the document. */
export function encodingOfCharset(charset: number): string | null {
  return byCharset[charset] ?? null;
}
