// Lines with bands of standard errors, marks, and a read-out under the pointer.
import { svg } from "../dom";
import { isNumber, type Num, setting, withSe } from "../number";
import { type Axis, type AxisOptions, axis, type Box, frame, wantsLog } from "./axes";
import { drawReadout, placeIn, type Reading } from "./readout";

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
  /** Draw which line is which; true where there is more than one. */
  key?: boolean;
  /** What x is called in the read-out, e.g. "epoch". */
  xName?: string;
  /** How an x is written in the read-out. */
  formatX?: (x: number) => string;
  /** Where the x axis is broken, in x. */
  breakAt?: number;
  /** Called with the x nearest to where the pointer is pressed or dragged. */
  onPick?: (x: number) => void;
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
  for (const one of lines) inside.append(...bandAndLine(one, across, up, height + 1000));
  target.replaceChildren(
    svg("title", {}, options.title),
    ...(options.description ? [svg("desc", {}, options.description)] : []),
    frame(box, across, up, { x: options.xTitle, y: options.yTitle, gap: options.marks?.length ? 32 : 12 }),
    inside,
    ...(options.breakAt === undefined ? [] : [broken(across.position(options.breakAt), box.bottom)]),
    ...(options.marks ?? []).map((mark) => marked(mark, across, up, box)),
    ...(keyed ? [key(lines, box.left, 14)] : []),
    readout(target, lines, across, up, box, options),
  );
}

function bandOf(one: Line): Num[] {
  return one.y.flatMap((value, k) => {
    const se = one.se?.[k];
    return isNumber(value) && isNumber(se) ? [value - se, value + se] : [];
  });
}

function bandAndLine(one: Line, across: Axis, up: Axis, floor: number): SVGElement[] {
  const xs = one.x.map(across.position);
  const ys = one.y.map(up.position);
  const drawn: SVGElement[] = [];
  if (one.se) drawn.push(svg("path", { d: band(one, xs, up, floor), class: `${one.kind} band` }));
  const d = pieces(xs, ys).map((piece) => `M${piece.map((k) => point(xs[k], ys[k])).join("L")}`);
  drawn.push(svg("path", { d: d.join(""), class: `${one.kind} line` }));
  // A lone value is no line, so it becomes a dot.
  const alone = pieces(xs, ys).filter((piece) => piece.length === 1);
  for (const k of one.dots ? pieces(xs, ys).flat() : alone.flat()) {
    drawn.push(svg("circle", { cx: xs[k], cy: ys[k], r: 3, class: `${one.kind} dot` }));
  }
  return drawn;
}

function band(one: Line, xs: number[], up: Axis, floor: number): string {
  const edge = (sign: number) =>
    one.y.map((value, k) => {
      const se = one.se?.[k];
      if (!isNumber(value) || !isNumber(se)) return Number.NaN;
      const y = up.position(value + sign * se);
      return Number.isFinite(y) ? y : floor; // what a logarithm cannot show lies below the plot
    });
  const [lower, upper] = [edge(-1), edge(1)];
  return pieces(xs, upper)
    .map((piece) => {
      const there = piece.map((k) => point(xs[k], lower[k]));
      const back = piece.map((k) => point(xs[k], upper[k])).reverse();
      return `M${[...there, ...back].join("L")}Z`;
    })
    .join("");
}

// Indices of the runs without a gap.
function pieces(xs: number[], ys: number[]): number[][] {
  const found: number[][] = [];
  let open: number[] | undefined;
  xs.forEach((x, k) => {
    if (!Number.isFinite(x) || !Number.isFinite(ys[k])) open = undefined;
    else if (open) open.push(k);
    else {
      open = [k];
      found.push(open);
    }
  });
  return found;
}

function point(x = 0, y = 0): string {
  return `${Math.round(10 * x) / 10} ${Math.round(10 * y) / 10}`;
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
    svg("text", { x: at, y: box.top - 10, class: "tick strong", "text-anchor": "middle" }, mark.label),
  );
  return drawn;
}

function broken(x: number, y: number): SVGElement {
  return svg("path", { d: `M${(x - 5).toFixed(1)} ${y + 5}l4 -10m3 10l4 -10`, class: "axis" });
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
    const { x } = placeIn(target, event);
    const near = nearest(lines, x, across);
    if (near === undefined || x < box.left - 8) return shown.replaceChildren();
    const title = `${options.xName ?? options.xTitle} ${(options.formatX ?? setting)(near)}`;
    shown.replaceChildren(...drawReadout(across.position(near), title, readingsAt(near, lines, up), box));
    if (event.buttons === 1) options.onPick?.(near);
  };
  target.onpointermove = show;
  target.onpointerdown = show;
  target.onpointerleave = () => shown.replaceChildren();
  return shown;
}

function readingsAt(at: number, lines: Line[], up: Axis): Reading[] {
  return lines.flatMap((one) => {
    const k = one.x.indexOf(at);
    const value = one.y[k];
    if (k < 0 || !isNumber(value)) return [];
    return [{ kind: one.kind, y: up.position(value), words: `${one.name} ${withSe(value, one.se?.[k])}` }];
  });
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
