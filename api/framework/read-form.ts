import { PerdureError } from '../../contracts/errors.ts';

/** Media type of a form with files. */
export const formMediaType = 'multipart/form-data';

/** A file of a form; `name` is the one that the sender's disk gave it, without folders. */
export type UploadedFile = { name: string; mediaType: string | null; bytes: Buffer };

/** A multipart form after its fields were checked. */
export type UploadedForm = { fields: Record<string, unknown>; files: UploadedFile[] };

// More parts than these are no form that a person or a program means.
const mostParts = 1000;

/**
 * Reads a multipart form (RFC 7578) with Node's own parser. A field that may come several times, `path`, becomes a list.
 * `identity` is the same for two forms with the same content, whatever boundary they were sent with.
 * @throws PerdureError `bad_request` that says what is wrong with the form.
 */
export async function readForm(bytes: Buffer, contentType: string): Promise<UploadedForm & { identity: Buffer }> {
  const form = await parse(bytes, contentType);
  const fields: Record<string, unknown> = {};
  const files: UploadedFile[] = [];
  const identity: Buffer[] = [];
  let parts = 0;
  for (const [name, value] of form) {
    if (++parts > mostParts) throw invalid(`a form may have at most ${mostParts} parts`);
    if (typeof value === 'string') {
      identity.push(Buffer.from(JSON.stringify([name, value])));
      addField(fields, name, value);
    } else {
      const file = {
        name: lastPart(value.name),
        mediaType: value.type || null,
        bytes: Buffer.from(await value.arrayBuffer()),
      };
      identity.push(Buffer.from(JSON.stringify([name, file.name, file.mediaType, file.bytes.length])), file.bytes);
      files.push(file);
    }
  }
  if (files.length === 0) throw invalid('it has no file; send each document as a part with a filename');
  return { fields, files, identity: Buffer.concat(identity) };
}

async function parse(bytes: Buffer, contentType: string): Promise<FormData> {
  try {
    return await new Response(new Uint8Array(bytes), { headers: { 'content-type': contentType } }).formData();
  } catch {
    throw invalid('it cannot be read; check its boundary and that it was sent whole');
  }
}

function addField(fields: Record<string, unknown>, name: string, value: string): void {
  if (name === 'path') fields[name] = [...((fields[name] as string[] | undefined) ?? []), value];
  else if (name in fields) throw invalid(`the field ${name} comes more than once`);
  else fields[name] = value;
}

function lastPart(name: string): string {
  return name.split(/[\\/]/).at(-1) ?? name;
}

function invalid(what: string): PerdureError {
  return new PerdureError('bad_request', `The form is not valid: ${what}.`, {
    errors: [{ path: 'body', message: what }],
  });
}
