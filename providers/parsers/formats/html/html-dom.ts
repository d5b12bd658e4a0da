/** The part of the DOM that reading a page needs; the library that makes it has no types of its own for it. */
export interface HtmlNode {
  readonly nodeType: number;
  readonly nodeName: string;
  readonly textContent: string | null;
  readonly childNodes: Iterable<HtmlNode>;
}

/** An element of a page. */
export interface HtmlElement extends HtmlNode {
  textContent: string | null;
  readonly children: Iterable<HtmlElement>;
  readonly previousElementSibling: HtmlElement | null;
  getAttribute(name: string): string | null;
  removeAttribute(name: string): void;
  querySelector(selectors: string): HtmlElement | null;
  querySelectorAll(selectors: string): Iterable<HtmlElement>;
  closest(selectors: string): HtmlElement | null;
  remove(): void;
  replaceWith(node: HtmlNode): void;
  append(...nodes: HtmlNode[]): void;
}

/** A page. */
export interface HtmlDocument extends HtmlElement {
  readonly body: HtmlElement;
  cloneNode(deep: boolean): HtmlDocument;
  createTextNode(text: string): HtmlNode;
  createElement(name: string): HtmlElement;
}

/** The value of `nodeType` of text, and of elements. */
export const nodeTypes = { text: 3, element: 1 } as const;
