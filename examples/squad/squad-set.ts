import path from 'node:path';
import { z } from 'zod';
import type { ExampleDocument } from '../load-documents.ts';
import { readJsonLines } from '../read-json-lines.ts';
import type { ExampleCase } from '../run-evaluation.ts';

const documentSchema = z.object({ id: z.string(), title: z.string(), text: z.string() });
const questionSchema = z.object({
  id: z.string(),
  question: z.string(),
  doc_id: z.string(),
  answers: z.array(z.string()),
  answerable: z.boolean(),
});

/** Paragraphs, and questions of which some have no answer. */
export type SquadSet = { readonly documents: ExampleDocument[]; readonly cases: ExampleCase[] };

/**
 * Reads `corpus.jsonl` and `qa.jsonl` of a folder. All paragraphs are searched; of the questions, `limit` spread over the
 * whole set are asked. A question without an answer expects no document: its paragraph only looks as if it had one.
 */
export async function readSquadSet(folder: string, limit: number): Promise<SquadSet> {
  const corpus = await readJsonLines(path.join(folder, 'corpus.jsonl'), documentSchema);
  const questions = await readJsonLines(path.join(folder, 'qa.jsonl'), questionSchema);
  const step = Math.max(1, questions.length / limit);
  const asked = Array.from(
    { length: Math.min(limit, questions.length) },
    (_, index) => questions[Math.floor(index * step)]!,
  );
  return {
    documents: corpus.map(({ id, title, text }) => ({ path: id, title, text })),
    cases: asked.map(({ id, question, doc_id: document, answers, answerable }): ExampleCase => {
      const [answer, ...others] = answers;
      const about = { key: id, input: { question } };
      if (!answerable || answer === undefined) return { ...about, is_unanswerable: true, tags: ['unanswerable'] };
      return {
        ...about,
        expected_answer: answer,
        expected_documents: [document],
        tags: ['answerable'],
        metadata: { alternative_answers: others },
      };
    }),
  };
}
