import { askJudge } from '../metrics/judges/ask-judge.ts';
import type { Judged } from '../metrics/judges/ask-judge.ts';
import type { MetricReply, MetricRequest } from '../metrics/metric.ts';
import type { ValueSchema } from '../metrics/value-schema.ts';

/** A question that a passage answers, with the words of the passage that say so. */
export type ProposedQuestion = { readonly question: string; readonly answer: string; readonly quote: string };

/** The questions of a passage that can be used, and why the others cannot. */
export type ProposedQuestions = {
  readonly usable: readonly ProposedQuestion[];
  readonly refused: readonly { readonly question: string; readonly reason: string }[];
};

/** A passage of a document, and how it is asked about. */
export type QuestionedPassage = {
  readonly title: string;
  readonly text: string;
  /** The most questions. */
  readonly questions: number;
  readonly instructions: string | null;
};

const task =
  'You write questions for a test of a system that answers from documents. The data holds a passage and the title of its ' +
  'document. Write questions that people who do not see the passage would ask, each of which the passage alone answers, ' +
  'in the language of the passage. A question names what it is about: it never says "the passage", "the text" or "above". ' +
  'Give the shortest complete answer, and as quote the words of the passage, copied exactly, from which the answer ' +
  'follows. Where the passage holds nothing worth asking, such as a table of contents, give no question.';

/**
 * Has a model write questions that a passage answers. A question without words of the passage that bear it out, or one that
 * is there twice, is refused; an answer that cannot be read is asked for once more.
 */
export function* proposeQuestions({
  title,
  text,
  questions,
  instructions,
}: QuestionedPassage): Generator<MetricRequest, Judged<ProposedQuestions>, MetricReply> {
  const wishes = instructions === null ? '' : ` Moreover: ${instructions}`;
  const judged = yield* askJudge<{ questions: ProposedQuestion[] }>({
    purpose: 'questions that a passage answers',
    schemaName: 'questions',
    task: `${task} Write at most ${questions}.${wishes}`,
    data: { title, passage: text },
    schema: schemaOf(questions),
  });
  if (judged.state === 'unscored') return judged;
  const usable: ProposedQuestion[] = [];
  const refused: { question: string; reason: string }[] = [];
  const passage = comparable(text);
  const known = new Set<string>();
  for (const { question, answer, quote } of judged.value.questions) {
    const reason = findReason();
    if (reason === null) usable.push({ question: question.trim(), answer: answer.trim(), quote: quote.trim() });
    else refused.push({ question: question.trim(), reason });
    known.add(comparable(question));

    function findReason(): string | null {
      if (question.trim() === '' || answer.trim() === '') return 'The question or its answer is empty.';
      if (known.has(comparable(question))) return 'The question is there twice.';
      if (comparable(quote) === '' || !passage.includes(comparable(quote)))
        return 'The words that should bear it out are not in the passage.';
      return null;
    }
  }
  return { state: 'judged', value: { usable, refused } };
}

function schemaOf(questions: number): ValueSchema {
  const text = (description: string): ValueSchema => ({ type: 'string', description });
  return {
    type: 'object',
    properties: {
      questions: {
        type: 'array',
        maxItems: questions,
        items: {
          type: 'object',
          properties: {
            question: text('What somebody would ask.'),
            answer: text('The shortest complete answer.'),
            quote: text('Words of the passage, copied exactly, from which the answer follows.'),
          },
          required: ['question', 'answer', 'quote'],
          additionalProperties: false,
        },
      },
    },
    required: ['questions'],
    additionalProperties: false,
  };
}

/** Models put other spaces and quotation marks in what they copy. */
function comparable(text: string): string {
  return text
    .normalize('NFKC')
    .toLowerCase()
    .replaceAll(/[\u2018\u2019\u201a\u201b]/g, "'")
    .replaceAll(/[\u201c\u201d\u201e\u201f\u00ab\u00bb]/g, '"')
    .replaceAll(/\s+/g, ' ')
    .trim();
}
