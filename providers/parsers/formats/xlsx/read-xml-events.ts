import { Parser } from 'htmlparser2';
import { decodeXml } from '../office/decode-xml.ts';
import { NamespaceScopes } from '../office/namespace-scopes.ts';

/** What happens while XML is read from begin to end; names are those of XmlElement. */
export interface XmlEvents {
  open(name: string, attributes: Readonly<Record<string, string>>): void;
  text(text: string): void;
  close(name: string): void;
}

/** Reads XML without keeping it, for parts with millions of elements. Forgives and expands what parseXml does. */
export function readXmlEvents(bytes: Uint8Array, events: XmlEvents): void {
  const scopes = new NamespaceScopes();
  const names: string[] = [];
  const parser = new Parser(
    {
      onopentag(tag, attributes) {
        const element = scopes.open(tag, attributes);
        names.push(element.name);
        events.open(element.name, element.attributes);
      },
      ontext: (text) => events.text(text),
      onclosetag() {
        scopes.close();
        events.close(names.pop() ?? '');
      },
    },
    { xmlMode: true, decodeEntities: true },
  );
  parser.end(decodeXml(bytes));
}
