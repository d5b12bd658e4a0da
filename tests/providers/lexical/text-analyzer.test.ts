import { describe, expect, test } from '@jest/globals';
import { textAnalyzer } from '../../../providers/lexical/text-analyzer.ts';

const analyze = (text: string, language: string) => textAnalyzer.analyze(text, language).join(' ');

describe('stems and stop words', () => {
  test.each([
    ['en', 'The universities were generously running backups of it', 'universiti were generous run backup'],
    ['de', 'Die Häuser und die Bücher der Versicherungen', 'haus buch versicher'],
    ['fr', 'Les chevaux mangeaient dans la maison', 'cheval mang maison'],
    ['ru', 'Системы резервного копирования и их серверы', 'систем резервн копирован сервер'],
    ['es', 'Las canciones de los niños', 'cancion niñ'],
    ['nl', 'De boeken van de huizen', 'boek huis'],
    ['und', 'Words Stay', 'words stay'],
  ])('R23 %s', (language, text, terms) => {
    expect(analyze(text, language)).toBe(terms);
  });

  test('words in ASCII among other letters count as English', () => {
    expect(analyze('Системы backups', 'ru')).toBe('систем backup');
    expect(analyze('备份 backups', 'zh')).toBe('备份 backup');
  });
});

describe('words', () => {
  test('case, width and composition make no difference', () => {
    expect(analyze('ＢＡＣＫＵＰ ﬁle caf\u0065\u0301', 'und')).toBe(analyze('backup file café', 'und'));
  });

  test('signs that no reader sees part no word: places where a line may break, joiners, marks of byte order', () => {
    expect(analyze('Bundes\u00ADregierung side\u2060walk\uFEFF', 'und')).toBe('bundesregierung sidewalk');
    expect(analyze('two\u200Bwords', 'und')).toBe('two words');
  });

  test.each([
    ['numbers and codes', 'Order ABC-1234 of 2024, v12.5', 'order abc 1234 of 2024 v12'],
    ['single characters that are joined', 'Section 3.2 of U.S. law', 'section 3.2 of u.s law'],
    ['names with signs', 'C++ and C# but not c', 'c++ and c# but not'],
    ['identifiers', 'read_file and readFile', 'read_file and readfile'],
  ])('%s', (_, text, terms) => {
    expect(analyze(text, 'und')).toBe(terms);
  });

  test('R23 a phrase in Chinese, Japanese, Korean or Thai shares its terms with a text that holds it', () => {
    for (const [language, text, query] of [
      ['zh', '数据库管理系统的备份每天凌晨执行。', '备份数据库'],
      ['ja', '東京都の大学でデータベースを学ぶ。', 'データベース 大学'],
      ['ko', '매일 밤 데이터베이스를 백업합니다.', '데이터베이스 백업'],
      ['th', 'ระบบสำรองข้อมูลทำงานทุกคืน', 'สำรองข้อมูล'],
    ] as const) {
      const held = new Set(textAnalyzer.analyze(text, language));
      const asked = textAnalyzer.analyze(query, language);
      expect(asked.length).toBeGreaterThan(1);
      expect(asked.filter((term) => held.has(term)).length / asked.length).toBeGreaterThan(0.6);
    }
  });
});

describe('languages', () => {
  test.each([
    ['en', 'The backup of the database runs every night, before the first users of the day sign in.'],
    ['de', 'Die Sicherung der Datenbank läuft jede Nacht, bevor sich die ersten Benutzer anmelden.'],
    ['fr', 'La sauvegarde de la base de données est faite chaque nuit, avant la première connexion.'],
    ['es', 'La copia de seguridad de la base de datos se hace cada noche, antes de la primera sesión.'],
    ['ru', 'Резервное копирование базы данных выполняется каждую ночь до входа первых пользователей.'],
    ['zh', '数据库管理系统的备份每天凌晨执行，早于第一批用户登录。'],
    ['ja', 'データベースのバックアップは毎晩、最初の利用者がログインする前に行われます。'],
    ['ko', '데이터베이스 백업은 매일 밤 첫 사용자가 로그인하기 전에 실행됩니다.'],
    ['th', 'ระบบสำรองข้อมูลของฐานข้อมูลทำงานทุกคืนก่อนที่ผู้ใช้คนแรกจะเข้าสู่ระบบ'],
  ])('R23 %s is told', (language, text) => {
    expect(textAnalyzer.detectLanguage(text)).toBe(language);
  });

  test('a text of a few letters counts as English, if they are Latin', () => {
    expect(textAnalyzer.detectLanguage('Notes 1')).toBe('en');
    expect(textAnalyzer.detectLanguage('12 345')).toBe('en');
    expect(textAnalyzer.detectLanguage('Ωμ')).toBe('und');
    expect(textAnalyzer.detectLanguage('備份')).toBe('zh');
  });
});
