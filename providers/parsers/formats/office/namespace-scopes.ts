// Each namespace has an address in the transitional and one in the strict form of ISO/IEC 29500.
const usualPrefixes = new Map(
  Object.entries({
    'wordprocessingml/main': 'w',
    'wordprocessingml/2006/main': 'w',
    'drawingml/main': 'a',
    'drawingml/2006/main': 'a',
    'drawingml/wordprocessingDrawing': 'wp',
    'drawingml/2006/wordprocessingDrawing': 'wp',
    'drawingml/spreadsheetDrawing': 'xdr',
    'drawingml/2006/spreadsheetDrawing': 'xdr',
    'drawingml/chart': 'c',
    'drawingml/2006/chart': 'c',
    'drawingml/diagram': 'dgm',
    'drawingml/2006/diagram': 'dgm',
    'drawingml/picture': 'pic',
    'drawingml/2006/picture': 'pic',
    'presentationml/main': 'p',
    'presentationml/2006/main': 'p',
    'spreadsheetml/main': 'x',
    'spreadsheetml/2006/main': 'x',
    'officeDocument/relationships': 'r',
    'officeDocument/2006/relationships': 'r',
    'officeDocument/math': 'm',
    'officeDocument/2006/math': 'm',
    'package/2006/relationships': 'rel',
    'package/2006/content-types': 'ct',
    'package/2006/metadata/core-properties': 'cp',
    'markup-compatibility/2006': 'mc',
  }).flatMap(([path, prefix]): [string, string][] => [
    [`http://schemas.openxmlformats.org/${path}`, prefix],
    [`http://purl.oclc.org/ooxml/${path}`, prefix],
  ]),
);

const otherPrefixes = new Map([
  ['http://purl.org/dc/elements/1.1/', 'dc'],
  ['urn:schemas-microsoft-com:vml', 'v'],
  ['urn:schemas-microsoft-com:office:office', 'o'],
  ['http://schemas.microsoft.com/office/word/2010/wordprocessingShape', 'wps'],
  ['http://schemas.microsoft.com/office/drawing/2008/diagram', 'dsp'],
  ['http://schemas.microsoft.com/office/drawing/2014/chartex', 'cx'],
  ['http://schemas.microsoft.com/office/2006/encryption', 'enc'],
  ['http://schemas.microsoft.com/office/2006/keyEncryptor/password', 'encp'],
]);

/** Gives elements and attributes the usual prefix of their namespace; of an unknown namespace the prefix in the file. */
export class NamespaceScopes {
  /** The prefixes in force in each open element; shared with the parent where it declares none. */
  private readonly scopes: ReadonlyMap<string, string>[] = [new Map()];

  open(name: string, attributes: Readonly<Record<string, string>>) {
    const declared = Object.entries(attributes).filter(([key]) => key === 'xmlns' || key.startsWith('xmlns:'));
    let scope = this.scopes.at(-1) ?? new Map<string, string>();
    if (declared.length > 0) {
      scope = new Map([...scope, ...declared.map(([key, address]) => declaration(key, address))]);
    }
    this.scopes.push(scope);
    const renamed: Record<string, string> = {};
    for (const [key, value] of Object.entries(attributes)) {
      if (!key.startsWith('xmlns')) renamed[rename(key, scope, false)] = value;
    }
    return { name: rename(name, scope, true), attributes: renamed };
  }

  close(): void {
    if (this.scopes.length > 1) this.scopes.pop();
  }
}

function declaration(key: string, address: string): [string, string] {
  const prefix = key === 'xmlns' ? '' : key.slice('xmlns:'.length);
  return [prefix, usualPrefixes.get(address) ?? otherPrefixes.get(address) ?? prefix];
}

function rename(name: string, scope: ReadonlyMap<string, string>, isElement: boolean): string {
  const colon = name.indexOf(':');
  // An attribute without prefix is in no namespace, whatever the default is.
  if (colon < 0 && !isElement) return name;
  const prefix = colon < 0 ? '' : name.slice(0, colon);
  const usual = scope.get(prefix) ?? prefix;
  const local = name.slice(colon + 1);
  return usual === '' ? local : `${usual}:${local}`;
}
