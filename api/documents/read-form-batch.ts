import type { UploadForm } from '../../contracts/document.ts';
import { PerdureError } from '../../contracts/errors.ts';
import type { UploadedForm } from '../framework/read-form.ts';
import type { GivenBatch } from './accept-batch.ts';

/**
 * The documents of a form: its files, with the fields that hold for all of them.
 * @throws PerdureError `bad_request` when paths or a title do not fit the number of files.
 */
export function readFormBatch(form: UploadedForm): GivenBatch {
  const { knowledge_source: knowledgeSource = 'uploads', path: paths, title, ...common } = form.fields as UploadForm;
  if (paths !== undefined && paths.length !== form.files.length)
    throw misfit('path', `give one path for each of the ${form.files.length} files, or none`);
  if (title !== undefined && form.files.length > 1) throw misfit('title', 'a title can be given to one file alone');
  return {
    knowledgeSource,
    part: 'body',
    user: common.user,
    documents: form.files.map(({ name, mediaType, bytes }, index) => ({
      ...common,
      ...(title === undefined ? {} : { title }),
      ...(paths === undefined ? {} : { path: paths[index]! }),
      bytes,
      // A browser names this where it knows nothing.
      mediaType: mediaType === 'application/octet-stream' ? null : mediaType,
      fileName: name,
    })),
  };
}

function misfit(field: string, message: string): PerdureError {
  return new PerdureError('bad_request', `body.${field}: ${message}`, {
    errors: [{ path: `body.${field}`, message }],
  });
}
