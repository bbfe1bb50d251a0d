// The small box beside a place in a chart that says the values there.
import { svg } from "../dom";
import type { Box } from "./axes";

export interface Reading {
  /** CSS class of the line. */
  kind: string;
  /** Where the line is, for a dot. */
  y: number;
  words: string;
}

/** Draw a line at x, a dot on each line, and the box that says `title` and the readings. */
export function drawReadout(x: number, title: string, readings: Reading[], box: Box): SVGElement[] {
  const dots = readings.filter(({ y }) => Number.isFinite(y));
  const words = [title, ...readings.map((reading) => reading.words)];
  const broad = 12 + 6.7 * Math.max(...words.map((word) => word.length));
  const left = x + 10 + broad > box.right ? Math.max(x - 10 - broad, 0) : x + 10;
  const paper = { x: left, y: box.top, width: broad, height: 8 + 16 * words.length, rx: 4 };
  return [
    svg("path", { d: `M${x.toFixed(1)} ${box.top}V${box.bottom}`, class: "axis" }),
    ...dots.map(({ y, kind }) => svg("circle", { cx: x, cy: y, r: 4, class: `${kind} dot` })),
    svg("rect", { ...paper, class: "readout-box" }),
    ...words.map((word, k) => {
      const place = { x: left + 6, y: box.top + 16 + 16 * k };
      return svg("text", { ...place, class: k ? "tick" : "tick strong" }, word);
    }),
  ];
}

/** Where a pointer stands, in the units of the drawing. */
export function placeIn(target: SVGSVGElement, event: PointerEvent): { x: number; y: number } {
  const drawn = target.getBoundingClientRect();
  const view = target.viewBox.baseVal;
  return {
    x: ((event.clientX - drawn.left) / drawn.width) * view.width,
    y: ((event.clientY - drawn.top) / drawn.height) * view.height,
  };
}
