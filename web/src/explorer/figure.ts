// What every picture of the explorer stands in: a title that says the finding, the drawing, and how to read it.
import { html, svg } from "../dom";

const [NARROWEST, USUAL, WIDEST] = [300, 420, 470];

// Drawn as wide as it stands, so that letters keep their size on a phone.
export function widthOf(picture: SVGSVGElement): number {
  return Math.round(Math.min(Math.max(picture.clientWidth || USUAL, NARROWEST), WIDEST));
}

export interface Figure {
  element: HTMLElement;
  title: HTMLElement;
  picture: SVGSVGElement;
  caption: HTMLElement;
}

export function figure(kind: string, caption: string): Figure {
  const title = html("h3");
  const picture = svg("svg");
  const below = html("figcaption", {}, caption);
  return {
    element: html("figure", { class: `jf-${kind}` }, title, picture, below),
    title,
    picture,
    caption: below,
  };
}

export function clear({ picture }: Figure): void {
  picture.replaceChildren();
  picture.setAttribute("aria-label", "empty");
}
