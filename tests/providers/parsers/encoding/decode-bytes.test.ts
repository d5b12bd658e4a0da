import { describe, expect, test } from '@jest/globals';
import { suspectGarbled } from '../../../../domain/documents/suspect-garbled.ts';
import { decodeBytes } from '../../../../providers/parsers/encoding/decode-bytes.ts';
import { encodeText } from './encode-text.ts';

// The same few sentences of office life, in the languages whose charsets are tried.
const texts = {
  japanese:
    'これは文字コードの検出を試すための少し長い日本語の文章です。漢字とひらがなとカタカナが混ざっています。会社の規則によれば、休暇の申請は二週間前までに行う必要があります。',
  chinese:
    '这是一份关于公司内部文件管理制度的说明。所有员工在离开办公室之前，必须将重要的文件放入保险柜。违反规定者将受到处罚。',
  taiwanese:
    '這是一份關於公司內部文件管理制度的說明。所有員工在離開辦公室之前，必須將重要的文件放入保險櫃。違反規定者將受到處罰。',
  korean:
    '이 문서는 회사의 내부 규정에 관한 설명서입니다. 모든 직원은 퇴근하기 전에 중요한 서류를 금고에 넣어야 합니다. 규정을 위반한 사람은 처벌을 받습니다.',
  russian:
    'Это документ о внутренних правилах компании. Все сотрудники перед уходом из офиса должны убирать важные бумаги в сейф. Нарушители будут наказаны.',
  greek:
    'Αυτό το έγγραφο περιγράφει τους εσωτερικούς κανόνες της εταιρείας. Όλοι οι υπάλληλοι πρέπει να κλειδώνουν τα έγγραφα.',
  hebrew: 'מסמך זה מתאר את הכללים הפנימיים של החברה. כל העובדים חייבים לנעול את המסמכים החשובים בכספת לפני שהם עוזבים.',
  arabic: 'يصف هذا المستند القواعد الداخلية للشركة. يجب على جميع الموظفين وضع المستندات المهمة في الخزنة قبل المغادرة.',
  german:
    'Die Größe der Bücher hängt von der Länge der Sätze ab. Für Änderungen ist die Geschäftsführung zuständig, über Ausnahmen entscheidet sie allein.',
  french:
    'L’été dernier, nous avons déjeuné à côté de la forêt. Le règlement intérieur précise que les employés doivent être présents à l’heure, même à Noël.',
  polish:
    'Regulamin wewnętrzny spółki określa, że wszyscy pracownicy muszą przechowywać ważne dokumenty w sejfie. Żadne wyjątki nie są dopuszczalne.',
  turkish:
    'Şirketin iç yönetmeliğine göre bütün çalışanlar önemli belgeleri kasaya koymalıdır. Aksi hâlde ceza verilecektir. Işık söndürülmelidir.',
  thai: 'เอกสารนี้อธิบายกฎระเบียบภายในของบริษัท พนักงานทุกคนต้องเก็บเอกสารสำคัญไว้ในตู้นิรภัยก่อนกลับบ้าน',
} as const;

const charsets: ReadonlyArray<readonly [string, keyof typeof texts]> = [
  ['shift_jis', 'japanese'],
  ['euc-jp', 'japanese'],
  ['iso-2022-jp', 'japanese'],
  ['gbk', 'chinese'],
  ['gb18030', 'chinese'],
  ['big5', 'taiwanese'],
  ['euc-kr', 'korean'],
  ['windows-1251', 'russian'],
  ['koi8-r', 'russian'],
  ['iso-8859-5', 'russian'],
  ['windows-1253', 'greek'],
  ['iso-8859-7', 'greek'],
  ['windows-1255', 'hebrew'],
  ['windows-1256', 'arabic'],
  ['windows-1252', 'german'],
  ['windows-1252', 'french'],
  ['windows-1250', 'polish'],
  ['iso-8859-2', 'polish'],
  ['windows-1254', 'turkish'],
  ['windows-874', 'thai'],
];

/** Right, or said to be in doubt: `silently wrong` is what must never be. */
function verdict(
  bytes: Uint8Array,
  text: string,
  declared: string | null = null,
): 'right' | 'doubt' | 'silently wrong' {
  const read = decodeBytes(bytes, declared);
  if (read.text.normalize() === text.normalize()) return read.warnings.length === 0 ? 'right' : 'doubt';
  return read.warnings.length > 0 || suspectGarbled(read.text, 'prose') !== null ? 'doubt' : 'silently wrong';
}

describe('decodeBytes (R12)', () => {
  test.each(charsets)('reads %s without being told (%s)', (charset, language) => {
    const text = texts[language];
    expect(verdict(encodeText(text, charset), text)).toBe('right');
  });

  test.each(charsets)('is never silently wrong about a short text in %s (%s)', (charset, language) => {
    for (const length of [5, 8, 13, 20, 34]) {
      for (let start = 0; start + length < texts[language].length; start += 17) {
        const text = texts[language].slice(start, start + length);
        expect(`${text}: ${verdict(encodeText(text, charset), text)}`).not.toContain('silently wrong');
      }
    }
  });

  // Notes of 20 to 60 letters, few of which are beyond ASCII: most must be read without a doubt, and none wrongly.
  test.each([
    [
      'shift_jis',
      'ログイン出来ない場合は管理者に連絡して下さい。',
      '会議は明日の午前十時に本社三階の会議室で行います。',
    ],
    ['gbk', '请在月底之前支付发票，谢谢您的合作与支持。', '会议将于明天上午十点在三楼会议室举行。'],
    ['big5', '請在月底之前支付發票，謝謝您的合作與支持。', '會議將於明天上午十點在三樓會議室舉行。'],
    ['euc-kr', '회의는 내일 오전 열 시에 회의실에서 열립니다.', '로그인이 안 되면 관리자에게 연락하세요.'],
    ['windows-1251', 'Встреча состоится завтра в десять часов утра.', 'Если вы не можете войти, обратитесь к нам.'],
    ['windows-1253', 'Η συνάντηση θα γίνει αύριο στις δέκα το πρωί.', 'Αθήνα, οδός Σταδίου, τρίτος όροφος'],
    ['windows-1255', 'הפגישה תתקיים מחר בעשר בבוקר בחדר הישיבות.', 'יש לשלם את החשבונית עד סוף החודש.'],
    ['windows-1256', 'سيعقد الاجتماع غدا في الساعة العاشرة صباحا.', 'يجب دفع الفاتورة قبل نهاية الشهر.'],
    ['windows-874', 'การประชุมจะจัดขึ้นพรุ่งนี้เวลาสิบโมง', 'กรุณาชำระเงินภายในสิ้นเดือน'],
    ['windows-1252', 'Die Besprechung ist morgen um zehn im großen Saal.', 'Für Rückfragen stehen wir zur Verfügung.'],
    ['windows-1252', 'Veuillez régler la facture avant la fin du mois.', 'La réunion aura lieu demain à dix heures.'],
    ['windows-1252', 'La reunión será mañana a las diez en el salón.', '¿Cuándo llegará el pedido del señor Núñez?'],
    ['windows-1250', 'Spotkanie odbędzie się jutro w małej sali.', 'Proszę zapłacić fakturę do końca miesiąca.'],
    [
      'windows-1250',
      'Schůzka se koná zítra v deset hodin v malém sále.',
      'Prosíme o zaplacení faktury do konce měsíce.',
    ],
    [
      'windows-1250',
      'A megbeszélés holnap tízkor lesz a kis teremben.',
      'Kérjük, fizesse ki a számlát a hónap végéig.',
    ],
    ['windows-1254', 'Toplantı yarın saat onda küçük salonda yapılacak.', 'Şirketin iç yönetmeliğine göre çalışırız.'],
    [
      'windows-1257',
      'Susitikimas įvyks rytoj dešimtą valandą mažojoje salėje.',
      'Prašome apmokėti sąskaitą iki mėnesio pabaigos.',
    ],
  ])('reads a note in %s without a doubt: %s', (charset, ...notes) => {
    for (const note of notes) expect([note, verdict(encodeText(note, charset), note)]).toEqual([note, 'right']);
  });

  test.each(charsets)('believes a declared charset that fits: %s (%s)', (charset, language) => {
    const text = texts[language].slice(0, 30);
    expect(verdict(encodeText(text, charset), text, charset)).toBe('right');
  });

  test('knows what Python and Emacs call charsets', () => {
    const german = encodeText('# Größe\nreturn "ä"', 'windows-1252');
    for (const name of ['latin-1', 'iso-latin-1-unix', 'ISO_8859-1', 'cp1252'])
      expect(decodeBytes(german, name)).toMatchObject({ text: '# Größe\nreturn "ä"', warnings: [] });
    const korean = encodeText(texts.korean, 'euc-kr');
    expect(decodeBytes(korean, 'cp949')).toMatchObject({ text: texts.korean, warnings: [] });
  });

  test('loses no letter of a text of which a few are in an unknown charset', () => {
    const code = '# -*- coding: latin-1 -*-\n# Größe\ndef f():\n    return "ä"\n';
    expect(decodeBytes(encodeText(code, 'windows-1252'))).toEqual({
      charset: 'windows-1252',
      text: code,
      warnings: [expect.objectContaining({ code: 'suspected_garbled' })],
    });
  });

  test('does not believe a declared charset that does not fit', () => {
    expect(verdict(encodeText(texts.russian, 'koi8-r'), texts.russian, 'windows-1251')).not.toBe('silently wrong');
    expect(verdict(encodeText(texts.japanese, 'euc-jp'), texts.japanese, 'gbk')).not.toBe('silently wrong');
    expect(decodeBytes(Buffer.from(texts.german), 'iso-8859-1').text).toBe(texts.german);
  });

  test.each(['utf-8', 'utf-16le', 'utf-16be', 'utf-32le', 'utf-32be'])('reads %s with a mark', (charset) => {
    for (const text of Object.values(texts)) {
      const bytes = encodeText(`\uFEFF${text} 😀`, charset);
      expect(decodeBytes(bytes)).toEqual({ text: `${text} 😀`, charset, warnings: [] });
    }
  });

  test.each(['utf-16le', 'utf-16be', 'utf-32le', 'utf-32be'])('reads %s without a mark', (charset) => {
    for (const text of [texts.german, texts.russian, texts.greek, texts.chinese, texts.korean, 'plain text']) {
      expect(decodeBytes(encodeText(text, charset)).text).toBe(text);
    }
  });

  test('reads the seven-bit charsets of old mail', () => {
    const halves = (text: string, charset: string): Buffer =>
      Buffer.from(encodeText(text, charset).map((byte) => byte & 0x7f));
    const framed = (...parts: (string | Buffer)[]): Buffer =>
      Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : part)));
    const korean = halves('안녕하세요', 'euc-kr');
    expect(decodeBytes(framed('\u001B$)C\nDear all, \u000E', korean, '\u000F and more.\r\n'))).toEqual({
      charset: 'iso-2022-kr',
      text: 'Dear all, 안녕하세요 and more.\r\n',
      warnings: [],
    });
    const chinese = halves('所有员工', 'gbk');
    expect(decodeBytes(framed('To: \u001B$)A\u000E', chinese, '\u000F, ok'))).toMatchObject({
      charset: 'iso-2022-cn',
      text: 'To: 所有员工, ok',
    });
    expect(decodeBytes(framed('50 ~~ 60: ~{', chinese, '~} and ~{', chinese, '~}.'))).toEqual({
      charset: 'hz-gb-2312',
      text: '50 ~ 60: 所有员工 and 所有员工.',
      warnings: [],
    });
    for (const code of ['const a = ~{b: 1}; ~}', 'x ~{0} y ~{name} z ~}', '~{ABCD~} is too short to be a text']) {
      expect(decodeBytes(Buffer.from(code))).toMatchObject({ charset: 'utf-8', text: code });
    }
  });

  test('says so when single bytes of UTF-8 are damaged', () => {
    const bytes = Buffer.from(`${texts.russian} ${texts.russian}`);
    bytes[20] = 0xff;
    const { text, warnings } = decodeBytes(bytes);
    expect(text).toContain('Нарушители будут наказаны.');
    expect(warnings.map(({ code }) => code)).toEqual(['suspected_garbled']);
  });

  test('reads as UTF-8 what is cut within letters at both ends, or has a part in another charset', () => {
    const japanese = Buffer.from(texts.japanese);
    expect(decodeBytes(japanese.subarray(1, -1)).text).toContain('漢字とひらがなとカタカナ');
    for (const [language, charset] of [
      ['russian', 'windows-1251'],
      ['japanese', 'shift_jis'],
      ['german', 'windows-1252'],
    ] as const) {
      const text = texts[language];
      const { warnings, ...read } = decodeBytes(
        Buffer.concat([Buffer.from(text.repeat(4)), encodeText(text, charset)]),
      );
      expect(read).toEqual({ charset: 'utf-8', text: expect.stringContaining(text.repeat(4)) });
      expect(warnings.map(({ code }) => code)).toEqual(['suspected_garbled']);
    }
  });

  test('doubts a part in UTF-8 of a text in another charset', () => {
    const bytes = Buffer.concat([encodeText(texts.russian.repeat(5), 'windows-1251'), Buffer.from(texts.russian)]);
    const { charset, warnings } = decodeBytes(bytes);
    expect(charset).toBe('windows-1251');
    expect(warnings.map(({ code }) => code)).toEqual(['suspected_garbled']);
  });

  test.each([
    ['a line', Buffer.from('text with \0 a byte of zero in each line of it\n'.repeat(4))],
    [
      'fields of a fixed length',
      Buffer.from('Name\0\0\0\0Größe\0\0 is written here, and what it means as well.\n'.repeat(3)),
    ],
    ['the end', Buffer.from('A note whose buffer was longer than it.\0\0\0\0')],
    ['what was never written', Buffer.from(`${'2026-01-01 the service has started\n'.repeat(20)}${'\0'.repeat(500)}`)],
  ])('R12: NUL bytes in %s leave the text beside them as it is', (_, bytes) => {
    expect(decodeBytes(bytes)).toMatchObject({ text: bytes.toString('utf8'), charset: 'utf-8' });
  });

  test.each([
    ['random bytes', Buffer.from(Array.from({ length: 200 }, (_, index) => (index * 7919 + index * index * 31) % 256))],
    ['numbers of two bytes', Buffer.from(Uint16Array.from({ length: 100 }, (_, index) => index * 3).buffer)],
  ])('refuses %s as binary', (_, bytes) => {
    expect(() => decodeBytes(bytes)).toThrow(expect.objectContaining({ code: 'document_binary' }));
  });
});

describe('suspectGarbled (R12)', () => {
  test.each(Object.entries(texts))('has nothing against %s', (_, text) => {
    expect(suspectGarbled(text, 'prose')).toBeNull();
    expect(suspectGarbled(text.repeat(20), 'prose')).toBeNull();
    expect(suspectGarbled(text.repeat(800), 'prose')).toBeNull();
  });

  test('doubts what is garbled in the later part of a long text alone', () => {
    const good = 'A sentence of a long report that can be read. '.repeat(3000);
    const garbled = new TextDecoder('windows-1252').decode(Buffer.from(texts.french));
    expect(suspectGarbled(good, 'prose')).toBeNull();
    expect(suspectGarbled(good + garbled.repeat(60), 'prose')).not.toBeNull();
    expect(suspectGarbled(`${good}one \uFFFD more. ${good}`, 'prose')).toBe('1 character could not be decoded.');
  });

  test.each([
    ['UTF-8 read as windows-1252', new TextDecoder('windows-1252').decode(Buffer.from(texts.french))],
    ['UTF-8 read as windows-1252, Russian', new TextDecoder('windows-1252').decode(Buffer.from(texts.russian))],
    [
      'windows-1251 read as windows-1252',
      new TextDecoder('windows-1252').decode(encodeText(texts.russian, 'windows-1251')),
    ],
    ['a font that shifts letters', shifted('The quick brown fox jumps over the lazy dog while it rains. '.repeat(5))],
    ['numbers of glyphs', 'Title (cid:12)(cid:34)(cid:5) and more'],
    ['private use', `Text ${'\uE001\uE002\uE003'.repeat(20)}`],
    ['what could not be decoded', 'a text with \uFFFD in it'],
  ])('doubts %s', (_, text) => {
    expect(suspectGarbled(text, 'prose')).not.toBeNull();
  });
});

function shifted(text: string): string {
  return text.replaceAll(/[a-z]/gi, (letter) => String.fromCharCode(letter.charCodeAt(0) + 3));
}
