import type { SeededRandom } from './seeded-random.ts';

const vocabulary =
  `amber basin cedar delta ember fjord grove harbor island jasper kettle lagoon meadow nectar orchard prairie quarry
   river summit timber upland valley willow xenon yarrow zephyr anchor beacon canyon drift estuary`.split(/\s+/);

/** A Markdown text of so many sentences under headings; each sentence, and so each chunk, has the words of `marks`. */
export function composeText(random: SeededRandom, sentences: number, marks: readonly string[]): string {
  const lines: string[] = [`# Document ${marks.join(' ')}`];
  for (let n = 0; n < sentences; n += 1) {
    if (n % 12 === 0) lines.push('', `## Section ${n / 12 + 1}`, '');
    const words = Array.from({ length: random.between(5, 9) }, () => random.pick(vocabulary));
    lines.push(`Sentence ${n} ${words.join(' ')} ${marks.join(' ')}.`);
  }
  return `${lines.join('\n')}\n`;
}
