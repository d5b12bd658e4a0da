import { PerdureError } from '../../contracts/errors.ts';

/**
 * Reads the credentials of a source that is reached by HTTP: one header a line, such as `Authorization: Bearer …`.
 * @throws PerdureError `source_configuration` that names the line but not its value.
 */
export function readHeaderLines(connectionString: string | null): Record<string, string> {
  const lines = (connectionString ?? '').split(/\r?\n/).filter((line) => line.trim() !== '');
  return Object.fromEntries(
    lines.map((line, index) => {
      const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\x20-\x7e]+)$/.exec(line) ?? [];
      if (name === undefined || value === undefined)
        throw new PerdureError(
          'source_configuration',
          `Line ${index + 1} of connection_string is no header. Write one a line: "Authorization: Bearer …".`,
        );
      return [name.toLowerCase(), value.trim()];
    }),
  );
}
