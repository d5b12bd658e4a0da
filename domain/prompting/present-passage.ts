/**
 * A passage that was retrieved for a question; `n` is the number by which the answer cites it. `place` says in words on
 * which page and under which heading it stands, `lead` is what its text continues: the header of a table.
 */
export type NumberedPassage = { n: number; title: string; text: string; place?: string; lead?: string };

/** A passage as a prompt shows it: number, title and place in one line, its text below. */
export function presentPassage({ n, title, place = '', lead = '', text }: NumberedPassage): string {
  return `[${n}] ${title}${place === '' ? '' : `, ${place}`}\n${lead === '' ? '' : `${lead}\n`}${text}`;
}
