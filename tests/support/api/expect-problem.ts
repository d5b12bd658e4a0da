import { expect } from '@jest/globals';
import { errorTable, type ErrorCode } from '../../../contracts/errors.ts';
import { problemSchema } from '../../../contracts/problem.ts';
import type { Answer } from './test-api.ts';

/** Asserts that an answer is a whole problem+json with this code, its status, and a detail that says something. */
export function expectProblem(answer: Answer, code: ErrorCode): void {
  expect({ code: answer.json.code ?? answer.text, status: answer.status }).toEqual({
    code,
    status: errorTable[code].status,
  });
  expect(answer.headers.get('content-type')).toBe('application/problem+json');
  const problem = problemSchema.parse(answer.json);
  expect(problem.detail.length).toBeGreaterThan(20);
  expect(problem.request_id).toBe(answer.headers.get('x-request-id'));
}
