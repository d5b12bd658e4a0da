import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';

const places = [
  { name: 'Arbonne', founded: 1123, river: 'Selune', product: 'glass' },
  { name: 'Brackwater', founded: 1350, river: 'Tamble', product: 'rope' },
  { name: 'Corvenna', founded: 902, river: 'Ossa', product: 'paper' },
  { name: 'Dunmarrow', founded: 1611, river: 'Keld', product: 'cheese' },
  { name: 'Eskwater', founded: 1478, river: 'Linth', product: 'bells' },
  { name: 'Fennimore', founded: 1204, river: 'Garrow', product: 'cloth' },
];

/** Writes a set of the form of SQuAD: six towns, three questions about each, one of which has no answer anywhere. */
export async function writeSquadSample(folder: string): Promise<void> {
  const corpus = places.map(({ name, founded, river, product }) => ({
    id: `towns/${name}`,
    title: name,
    text: `${name} was founded in ${founded}. The town of ${name} lies on the river ${river}. People in ${name} make ${product}.`,
  }));
  const questions = places.flatMap(({ name, founded, river }, index) => [
    ask(`${index}-0`, name, `When was ${name} founded?`, [String(founded), `in ${founded}`]),
    ask(`${index}-1`, name, `Which river does ${name} lie on?`, [river]),
    ask(`${index}-2`, name, `Who painted the ceiling of Xanadu ${index}?`, []),
  ]);
  await writeLines(folder, { corpus, qa: questions });
}

function ask(id: string, name: string, question: string, answers: string[]): object {
  return { id, question, doc_id: `towns/${name}`, answers, answerable: answers.length > 0 };
}

/** Writes a set of the form of SciFact: four claims of which the last one is contradicted, and the third has two abstracts. */
export async function writeScifactSample(folder: string): Promise<void> {
  const corpus = places.map(({ name, founded }) => ({
    id: name,
    title: name,
    text: `${name} was founded in ${founded}.`,
  }));
  const label = (id: string, claim: string, document: string, verdict: string) => ({
    ...{ id, claim, doc_id: document, label: verdict, sentences: ['0'] },
  });
  const labels = [
    label('1', 'Arbonne was founded in 1123.', 'Arbonne', 'SUPPORT'),
    label('2', 'Brackwater was founded in 1350.', 'Brackwater', 'SUPPORT'),
    label('3', 'Corvenna is older than Dunmarrow.', 'Corvenna', 'SUPPORT'),
    label('3', 'Corvenna is older than Dunmarrow.', 'Dunmarrow', 'SUPPORT'),
    label('4', 'Eskwater was founded in 1900.', 'Eskwater', 'CONTRADICT'),
  ];
  await writeLines(folder, { corpus, labels });
}

async function writeLines(folder: string, files: Record<string, object[]>): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const [name, lines] of Object.entries(files)) {
    await writeFile(path.join(folder, `${name}.jsonl`), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  }
}
