import type { EvaluationDataset } from '../contracts/evaluation-dataset.ts';
import type { Page } from '../contracts/page.ts';
import { CliError } from './cli-error.ts';
import type { CommandContext } from './command.ts';

type Asking = Pick<CommandContext, 'api' | 'signal'>;

const uuid = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i;

/** The data set of this name; null where there is none. */
export async function findDataset({ api, signal }: Asking, name: string): Promise<EvaluationDataset | null> {
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: Page<EvaluationDataset> = await api.request<Page<EvaluationDataset>>(
      `/evaluation-datasets?limit=200${cursor === '' ? '' : `&cursor=${cursor}`}`,
      { signal },
    );
    const found = page.data.find((each) => each.name === name);
    if (found) return found;
    cursor = page.next_cursor;
  }
  return null;
}

/** Makes an empty data set. */
export async function makeDataset({ api, signal }: Asking, name: string): Promise<EvaluationDataset> {
  return api.request<EvaluationDataset>('/evaluation-datasets', { method: 'POST', body: { name }, signal });
}

/** The data set of this name or id, made of nothing if that is wished. @throws CliError where there is none. */
export async function requireDataset(
  asking: Asking,
  nameOrId: string,
  { makeIt = false } = {},
): Promise<EvaluationDataset> {
  const { api, signal } = asking;
  if (uuid.test(nameOrId)) return api.request<EvaluationDataset>(`/evaluation-datasets/${nameOrId}`, { signal });
  const found = await findDataset(asking, nameOrId);
  if (found !== null) return found;
  if (makeIt) return makeDataset(asking, nameOrId);
  throw new CliError(`There is no data set "${nameOrId}" in this workspace.`);
}
