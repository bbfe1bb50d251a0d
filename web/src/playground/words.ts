// Text of the page: changed only where it differs, so that a live region speaks once; numbers as a reader wants them.
import { html } from "../dom";
import { type Num, number } from "../number";

let count = 0;

/** An id that no other element of this module has. */
export function freshId(stem: string): string {
  count += 1;
  return `jf-${stem}-${count}`;
}

/** Set text where it changed. */
export function say(element: Element, text: string): void {
  if (element.textContent !== text) element.textContent = text;
}

/** Set text in which names and commands stand between backticks. */
export function sayWithCode(element: Element, text: string): void {
  const parts = text.split("`"); // inside a pair where the place is odd
  element.replaceChildren(...parts.map((part, k) => (k % 2 ? html("code", {}, part) : part)));
}

/** Set an attribute where it changed. */
export function mark(element: Element, name: string, value: string | number | boolean): void {
  if (typeof value === "boolean") element.toggleAttribute(name, value);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

/** A count with its thousands apart. */
export function whole(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A mean factor in words: ×0.62 a layer. */
export function factor(value: Num): string {
  return value === null ? "lost on the way" : `×${number(value, 2)} a layer`;
}

/** The mean factor from each of a row of positive numbers to the next; null where one is missing or zero. */
export function meanFactor(values: readonly Num[]): Num {
  const [first, last] = [values[0], values.at(-1)];
  if (values.length < 2 || !first || !last || !values.every(Boolean)) return null;
  return (last / first) ** (1 / (values.length - 1));
}
