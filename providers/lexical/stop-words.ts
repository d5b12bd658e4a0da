import { stopwords as arabic } from '@orama/stopwords/arabic';
import { stopwords as danish } from '@orama/stopwords/danish';
import { stopwords as dutch } from '@orama/stopwords/dutch';
import { stopwords as finnish } from '@orama/stopwords/finnish';
import { stopwords as french } from '@orama/stopwords/french';
import { stopwords as german } from '@orama/stopwords/german';
import { stopwords as greek } from '@orama/stopwords/greek';
import { stopwords as hindi } from '@orama/stopwords/indian';
import { stopwords as irish } from '@orama/stopwords/irish';
import { stopwords as italian } from '@orama/stopwords/italian';
import { stopwords as norwegian } from '@orama/stopwords/norwegian';
import { stopwords as portuguese } from '@orama/stopwords/portuguese';
import { stopwords as romanian } from '@orama/stopwords/romanian';
import { stopwords as russian } from '@orama/stopwords/russian';
import { stopwords as swedish } from '@orama/stopwords/swedish';
import { stopwords as turkish } from '@orama/stopwords/turkish';

// Lucene's, which bm25s takes too: longer lists cost questions their meaning ("who was before").
const english =
  'a an and are as at be but by for if in into is it no not of on or such that the their then there these they this to was will with';

const spanish =
  'de la que el en y a los del se las por un para con no una su al lo como más pero sus le ya o este sí porque esta entre cuando muy sin sobre también me hasta hay donde quien desde todo nos durante todos uno les ni contra otros ese eso ante ellos e esto';

const none: ReadonlySet<string> = new Set();

const lists: Record<string, readonly string[]> = {
  ar: arabic,
  da: danish,
  de: german,
  el: greek,
  en: english.split(' '),
  es: spanish.split(' '),
  fi: finnish,
  fr: french,
  ga: irish,
  hi: hindi,
  it: italian,
  nl: dutch,
  no: norwegian,
  pt: portuguese,
  ro: romanian,
  ru: russian,
  sv: swedish,
  tr: turkish,
};

const sets = new Map(Object.entries(lists).map(([language, words]) => [language, new Set(words)]));

/** The words of a language (ISO 639-1) that are too common to search for; none where no short list is known. */
export function stopWords(language: string): ReadonlySet<string> {
  return sets.get(language) ?? none;
}
