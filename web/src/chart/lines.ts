// Lines with bands of standard errors, marks, and a read-out under the pointer.
import { area, line } from "d3-shape";
import { svg } from "../dom";
import { isNumber, type Num, number, setting } from "../number";
import { type Axis, type AxisOptions, axis, type Box, frame, wantsLog } from "./axes";

export interface Line {
  name: string;
  /** CSS class of the report's style: train, validation, effect, series-0 … series-7. */
  kind: string;
  x: number[];
  y: Num[];
  /** Standard errors; a band of ±1 is drawn. */
  se?: Num[];
  /** A dot at each value. */
  dots?: boolean;
}

export interface Mark {
  x: number;
  label: string;
  /** Where the diamond stands; without it only the line is drawn. */
  y?: Num;
}

export interface LinesOptions {
  /** The name that a screen reader says. */
  title: string;
  /** What stands in the picture, in words. */
  description?: string;
  xTitle: string;
  yTitle: string;
  width?: number;
  height?: number;
  x?: AxisOptions;
  /** `log: undefined` chooses by the span of the values. */
  y?: AxisOptions;
  marks?: Mark[];
  /** Shaded from and to, in x. */
  shade?: [number, number];
  /** Draw which line is which; true where there is more than one. */
  key?: boolean;
  /** Show values under the pointer; true by default. */
  hover?: boolean;
  /** What x is called in the read-out, e.g. "epoch". */
  xName?: string;
  /** How an x is written in the read-out. */
  formatX?: (x: number) => string;
}

/** Draw lines into `target`, in place of what stood there. */
export function drawLines(target: SVGSVGElement, lines: Line[], options: LinesOptions): void {
  const width = options.width ?? 420;
  const height = options.height ?? 280;
  const keyed = options.key ?? lines.length > 1;
  const box: Box = {
    left: 46,
    top: 30 + (keyed ? 22 : 0) + (options.marks?.length ? 20 : 0),
    right: width - 10,
    bottom: height - 44,
  };
  const values = lines.flatMap((one) => [...one.y, ...bandOf(one)]);
  const across = axis(
    lines.flatMap((one) => one.x),
    box.left,
    box.right,
    options.x,
  );
  const up = axis(values, box.bottom, box.top, { room: 0.06, log: wantsLog(values), ...options.y });
  target.setAttribute("viewBox", `0 0 ${width} ${height}`);
  target.setAttribute("role", "img");
  target.setAttribute("aria-label", options.title);
  const inside = svg("svg", {
    x: box.left - 4,
    y: box.top - 6,
    width: box.right - box.left + 8,
    height: box.bottom - box.top + 10,
    viewBox: `${box.left - 4} ${box.top - 6} ${box.right - box.left + 8} ${box.bottom - box.top + 10}`,
  });
  for (const one of lines) inside.append(...bandAndLine(one, across, up));
  const shade = options.shade ? [shaded(options.shade, across, box)] : [];
  target.replaceChildren(
    svg("title", {}, options.title),
    ...(options.description ? [svg("desc", {}, options.description)] : []),
    ...shade,
    frame(box, across, up, { x: options.xTitle, y: options.yTitle }),
    inside,
    ...(options.marks ?? []).map((mark) => marked(mark, across, up, box)),
    ...(keyed ? [key(lines, box.left, 14)] : []),
  );
  if (options.hover ?? true) target.append(readout(target, lines, across, up, box, options));
}

function bandOf(one: Line): Num[] {
  return one.y.flatMap((value, k) => {
    const se = one.se?.[k];
    return isNumber(value) && isNumber(se) ? [value - se, value + se] : [];
  });
}

function bandAndLine(one: Line, across: Axis, up: Axis): SVGElement[] {
  const points = one.x.map((x, k) => ({
    x: across.position(x),
    value: one.y[k] ?? null,
    se: one.se?.[k] ?? null,
  }));
  const drawn: SVGElement[] = [];
  const floor = Math.max(up.position(up.ticks[0]?.at), 0) + 1000; // below the plot: what a logarithm cannot show
  const clamp = (value: number) => (Number.isFinite(value) ? value : floor);
  if (one.se) {
    const band = area<(typeof points)[number]>()
      .defined((p) => Number.isFinite(p.x) && isNumber(p.value) && isNumber(p.se))
      .x((p) => p.x)
      .y0((p) => clamp(up.position((p.value ?? 0) - (p.se ?? 0))))
      .y1((p) => up.position((p.value ?? 0) + (p.se ?? 0)));
    drawn.push(svg("path", { d: band(points) ?? "", class: `${one.kind} band` }));
  }
  const path = line<(typeof points)[number]>()
    .defined((p) => Number.isFinite(p.x) && Number.isFinite(up.position(p.value)))
    .x((p) => p.x)
    .y((p) => up.position(p.value));
  drawn.push(svg("path", { d: path(points) ?? "", class: `${one.kind} line` }));
  if (one.dots) {
    for (const p of points) {
      const y = up.position(p.value);
      if (Number.isFinite(y)) drawn.push(svg("circle", { cx: p.x, cy: y, r: 3, class: `${one.kind} dot` }));
    }
  }
  return drawn;
}

function shaded(range: [number, number], across: Axis, box: Box): SVGElement {
  const [from, to] = range.map((x) => Math.min(Math.max(across.position(x), box.left), box.right)) as [
    number,
    number,
  ];
  return svg("rect", {
    x: from,
    y: box.top,
    width: Math.max(to - from, 1),
    height: box.bottom - box.top,
    class: "ridge",
  });
}

function marked(mark: Mark, across: Axis, up: Axis, box: Box): SVGElement {
  const x = across.position(mark.x);
  const drawn = svg("g");
  if (!Number.isFinite(x)) return drawn;
  drawn.append(svg("path", { d: `M${x.toFixed(1)} ${box.top - 4}V${box.bottom}`, class: "choice-line" }));
  const y = up.position(mark.y);
  if (Number.isFinite(y) && y >= box.top - 6 && y <= box.bottom + 4) drawn.append(diamond(x, y));
  const half = 3.4 * mark.label.length;
  const at = Math.min(Math.max(x, box.left + half), Math.max(box.right - half, box.left + half));
  drawn.append(
    svg("text", { x: at, y: box.top - 30, class: "tick strong", "text-anchor": "middle" }, mark.label),
  );
  return drawn;
}

/** Draw the diamond of a choice. */
export function diamond(x: number, y: number): SVGPathElement {
  return svg("path", { d: `M${x.toFixed(1)} ${(y - 6).toFixed(1)}l6 6l-6 6l-6 -6z`, class: "diamond" });
}

function key(lines: Line[], left: number, y: number): SVGElement {
  const drawn = svg("g");
  let x = left;
  for (const one of lines) {
    drawn.append(svg("path", { d: `M${x.toFixed(1)} ${y - 4}h24`, class: `${one.kind} line` }));
    drawn.append(svg("text", { x: x + 30, y, class: "tick" }, one.name));
    x += 42 + 6.6 * one.name.length;
  }
  return drawn;
}

function readout(
  target: SVGSVGElement,
  lines: Line[],
  across: Axis,
  up: Axis,
  box: Box,
  options: LinesOptions,
): SVGElement {
  const shown = svg("g", { class: "readout", "aria-hidden": "true" });
  const show = (event: PointerEvent) => {
    const drawn = target.getBoundingClientRect();
    const width = target.viewBox.baseVal.width;
    const x = ((event.clientX - drawn.left) / drawn.width) * width;
    const near = nearest(lines, x, across);
    shown.replaceChildren(
      ...(near === undefined || x < box.left - 8 ? [] : readoutAt(near, lines, across, up, box, options)),
    );
  };
  target.onpointermove = show;
  target.onpointerdown = show;
  target.onpointerleave = () => shown.replaceChildren();
  return shown;
}

function nearest(lines: Line[], x: number, across: Axis): number | undefined {
  let found: number | undefined;
  let distance = Number.POSITIVE_INFINITY;
  for (const one of lines) {
    for (const value of one.x) {
      const away = Math.abs(across.position(value) - x);
      if (away < distance) [found, distance] = [value, away];
    }
  }
  return found;
}

function readoutAt(
  at: number,
  lines: Line[],
  across: Axis,
  up: Axis,
  box: Box,
  options: LinesOptions,
): SVGElement[] {
  const x = across.position(at);
  const drawn: SVGElement[] = [
    svg("path", { d: `M${x.toFixed(1)} ${box.top}V${box.bottom}`, class: "axis" }),
  ];
  const words = [`${options.xName ?? options.xTitle} ${(options.formatX ?? setting)(at)}`];
  for (const one of lines) {
    const k = one.x.indexOf(at);
    const value = one.y[k];
    if (k < 0 || !isNumber(value)) continue;
    const se = one.se?.[k];
    words.push(`${one.name} ${number(value)}${isNumber(se) && se > 0 ? ` ± ${number(se, 2)}` : ""}`);
    const y = up.position(value);
    if (Number.isFinite(y)) drawn.push(svg("circle", { cx: x, cy: y, r: 4, class: `${one.kind} dot` }));
  }
  const broad = 12 + 6.7 * Math.max(...words.map((word) => word.length));
  const left = x + 10 + broad > box.right ? Math.max(x - 10 - broad, 0) : x + 10;
  drawn.push(
    svg("rect", {
      x: left,
      y: box.top,
      width: broad,
      height: 8 + 16 * words.length,
      rx: 4,
      class: "readout-box",
    }),
  );
  words.forEach((word, k) => {
    drawn.push(
      svg("text", { x: left + 6, y: box.top + 16 + 16 * k, class: k ? "tick" : "tick strong" }, word),
    );
  });
  return drawn;
}
