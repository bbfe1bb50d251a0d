// Elements made from data. Text goes in as text only: nothing here parses markup that came from a user.

export type Attributes = Record<string, string | number | boolean | undefined>;
type Child = Node | string;

// The namespace is read from the browser, so that no address of the network stands in the module.
function namespaceOfSvg(): string {
  const template = document.createElement("template");
  template.innerHTML = "<svg></svg>";
  return template.content.firstElementChild?.namespaceURI ?? "";
}

let namespace = "";

/** Make an SVG element. */
export function svg<K extends keyof SVGElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: Child[]
): SVGElementTagNameMap[K] {
  namespace ||= namespaceOfSvg();
  const made = document.createElementNS(namespace, name) as SVGElementTagNameMap[K];
  return fill(made, attributes, children);
}

/** Make an HTML element. */
export function html<K extends keyof HTMLElementTagNameMap>(
  name: K,
  attributes: Attributes = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  return fill(document.createElement(name), attributes, children);
}

/** Set attributes; false and undefined remove, true sets an empty one. */
export function set(element: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : typeof value === "number" ? short(value) : value);
  }
}

/** Listen until the returned function is called. */
export function listen<E extends Event>(
  target: EventTarget,
  type: string,
  handler: (event: E) => void,
): () => void {
  target.addEventListener(type, handler as EventListener);
  return () => target.removeEventListener(type, handler as EventListener);
}

function fill<E extends Element>(element: E, attributes: Attributes, children: Child[]): E {
  set(element, attributes);
  element.append(...children);
  return element;
}

// A tenth of a view-box unit is below what an eye resolves.
function short(value: number): string {
  return String(Math.round(value * 10) / 10);
}
