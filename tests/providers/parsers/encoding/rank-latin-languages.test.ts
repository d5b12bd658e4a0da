import { describe, expect, test } from '@jest/globals';
import { francAll } from 'franc';
import { data } from 'franc/data.js';
import { createLatinRanking } from '../../../../providers/parsers/encoding/rank-latin-languages.ts';

const texts = [
  'The backup of the database runs every night before the first users of the day sign in',
  'Die Sicherung der Datenbank läuft jede Nacht bevor sich die ersten Benutzer anmelden',
  'La sauvegarde de la base de données est faite chaque nuit avant la première connexion',
  'Kopia zapasowa bazy danych jest wykonywana każdej nocy zanim użytkownicy się zalogują',
  'Sao lưu cơ sở dữ liệu được thực hiện mỗi đêm trước khi người dùng đăng nhập',
  ' Veritabanının yedeği her gece ilk kullanıcılar giriş yapmadan önce alınır ',
  'Резервное копирование is done by pg dump every night from all of the replicas',
  'AAA bbb AAA bbb AAA bbb AAA',
  'q x z q x z q x z q x z',
];
// As texts are detected: with single spaces.
const long = texts.join(' ').repeat(4).replaceAll(/ +/g, ' ');
const samples = [
  ...texts,
  ...Array.from({ length: 40 }, (_, index) => long.slice(7 * index, 7 * index + 2000 - 45 * index)),
];

describe('the ranking of languages in Latin letters', () => {
  test.each([
    ['a few languages', ['eng', 'deu', 'fra', 'pol', 'vie', 'tur', 'rus', 'cmn']],
    ['all languages', Object.keys(data.Latin!)],
  ])('gives the languages and the figures of franc itself, of %s', (_, only) => {
    const rank = createLatinRanking(only);
    for (const sample of samples) expect(rank(sample)).toEqual(francAll(sample, { only }));
  });

  test('leaves a text of other letters to franc', () => {
    const rank = createLatinRanking(['eng', 'rus']);
    expect(rank('Резервное копирование базы данных PostgreSQL')).toBeNull();
    expect(rank('数据库管理系统的备份每天凌晨执行')).toBeNull();
  });
});
