// A map of cells over two settings: one coloured cell each, the best bright, the selected one framed, chosen by pointer
// or arrow keys.
import { set, svg } from "../dom";
import { isNumber, type Num, number } from "../number";
import { cividis, css } from "./cividis";
import { placeIn } from "./readout";

export interface HeatOptions {
  title: string;
  xTitle: string;
  yTitle: string;
  /** Names of the columns (second index of the grid) and of the rows (first index). */
  xLabels: string[];
  yLabels: string[];
  /** What the values are, for words, e.g. "validation loss". */
  name?: string;
  unit?: string;
  /** [row, column]. */
  selected?: [number, number];
  /** Marked with a diamond. */
  chosen?: [number, number];
  /** Marked with a star. */
  best?: [number, number];
  /** Cells as good as the best: outlined. */
  ridge?: boolean[][];
  /** Cells that have been measured at all; of the others nothing is said. All without it. */
  tried?: boolean[][];
  /** Share of the way from the best colour (bright) to the worst (dark). */
  share: (value: number) => number;
  width?: number;
  height?: number;
  onSelect?: (row: number, column: number) => void;
}

/** A drawn map, whose selection moves without drawing all cells again. */
export interface Heat {
  select(row: number, column: number): void;
}

interface Layout {
  left: number;
  top: number;
  right: number;
  bottom: number;
  rows: number;
  columns: number;
  /** Width and height of a cell. */
  wide: number;
  high: number;
}

const MOST_TOOLTIPS = 1500; // beyond them a map is slow to draw, and the sentence beside it says the same

/** Draw a grid indexed [row][column], row 0 at the bottom, into `target`, in place of what stood there. */
export function drawHeat(target: SVGSVGElement, grid: Num[][], options: HeatOptions): Heat {
  const [width, height] = [options.width ?? 420, options.height ?? 300];
  const layout = layOut(grid, options, width, height);
  const share = (value: number) => Math.min(Math.max(options.share(value), 0), 1);
  const frame = svg("rect", { width: layout.wide, height: layout.high, rx: 2, class: "heat-selected" });
  const inner = svg("rect", { width: layout.wide, height: layout.high, rx: 2, class: "heat-selected-inner" });
  set(target, { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": options.title });
  target.replaceChildren(
    svg("text", { x: 0, y: layout.top - 12, class: "axis-title" }, options.yTitle),
    ...cells(grid, layout, share, options),
    ...labels(options, layout),
    ...(options.best && String(options.best) !== String(options.chosen)
      ? [star(options.best, layout, share, grid)]
      : []),
    ...(options.chosen ? [chosenMark(options.chosen, layout)] : []),
    ...(options.selected ? [frame, inner] : []),
  );
  let at = options.selected ?? [0, 0];
  const select = (row: number, column: number) => {
    at = [row, column];
    set(frame, corner(at, layout));
    set(inner, corner(at, layout));
    target.setAttribute("aria-label", `${options.title}. ${words(grid, at, options)}`);
  };
  if (options.selected) select(...options.selected);
  if (options.onSelect) interact(target, layout, () => at, options.onSelect);
  return { select };
}

function layOut(grid: Num[][], options: HeatOptions, width: number, height: number): Layout {
  const left = 14 + 6.6 * Math.max(...options.yLabels.map((label) => label.length), 1);
  const box = { left, top: 30, right: width - 10, bottom: height - 44 };
  const [rows, columns] = [grid.length, grid[0]?.length ?? 0];
  const wide = (box.right - box.left) / Math.max(columns, 1);
  const high = (box.bottom - box.top) / Math.max(rows, 1);
  return { ...box, rows, columns, wide, high };
}

function corner([row, column]: [number, number], layout: Layout): { x: number; y: number } {
  return { x: layout.left + column * layout.wide, y: layout.bottom - (row + 1) * layout.high };
}

function middle(cell: [number, number], layout: Layout): [number, number] {
  const { x, y } = corner(cell, layout);
  return [x + layout.wide / 2, y + layout.high / 2];
}

function cells(
  grid: Num[][],
  layout: Layout,
  share: (value: number) => number,
  options: HeatOptions,
): SVGElement[] {
  const gap = Math.min(layout.wide, layout.high) > 6 ? 1 : 0;
  const told = layout.rows * layout.columns <= MOST_TOOLTIPS;
  return grid.flatMap((values, row) =>
    values.flatMap((value, column) => {
      const { x, y } = corner([row, column], layout);
      const place = { x, y, width: layout.wide - gap, height: layout.high - gap };
      const look = isNumber(value) ? { fill: css(cividis(1 - share(value))) } : { class: "hatch" };
      const cell = svg("rect", { ...place, ...look });
      if (told) cell.append(svg("title", {}, words(grid, [row, column], options)));
      const failed = !isNumber(value) && (options.tried?.[row]?.[column] ?? true);
      if (failed && layout.wide > 12) return [cell, crossed([row, column], layout)];
      return options.ridge?.[row]?.[column] ? [cell, ridge(place)] : [cell];
    }),
  );
}

function crossed(cell: [number, number], layout: Layout): SVGElement {
  const [x, y] = middle(cell, layout);
  return svg("text", { x, y: y + 4, class: "tick", "text-anchor": "middle" }, "✕");
}

function ridge(place: { x: number; y: number; width: number; height: number }): SVGElement {
  const inset = Math.min(1.6, place.width / 5, place.height / 5);
  const [x, y, width, height] = [
    place.x + inset,
    place.y + inset,
    place.width - 2 * inset,
    place.height - 2 * inset,
  ];
  return svg("rect", { x, y, width, height, class: "outline" });
}

function words(grid: Num[][], [row, column]: [number, number], options: HeatOptions): string {
  const value = grid[row]?.[column];
  const place = `${options.xTitle} ${options.xLabels[column]}, ${options.yTitle} ${options.yLabels[row]}`;
  if (options.tried?.[row]?.[column] === false) return `${place}: not trained`;
  if (!isNumber(value)) return `${place}: no finite loss`;
  return `${place}: ${options.name ?? "value"} ${number(value)} ${options.unit ?? ""}`.trim();
}

function labels(options: HeatOptions, layout: Layout): SVGElement[] {
  const broad = 6.6 * Math.max(...options.xLabels.map((label) => label.length), 1) + 6;
  const everyX = Math.max(1, Math.ceil(broad / layout.wide));
  const everyY = Math.max(1, Math.ceil(14 / layout.high));
  const columns = options.xLabels.map((label, k) => {
    const place = { x: layout.left + (k + 0.5) * layout.wide, y: layout.bottom + 17 };
    return svg("text", { ...place, class: "tick", "text-anchor": "middle" }, label);
  });
  const rows = options.yLabels.map((label, k) => {
    const place = { x: layout.left - 7, y: layout.bottom - (k + 0.5) * layout.high + 4 };
    return svg("text", { ...place, class: "tick", "text-anchor": "end" }, label);
  });
  const title = { x: (layout.left + layout.right) / 2, y: layout.bottom + 38, "text-anchor": "middle" };
  return [
    ...columns.filter((_, k) => k % everyX === 0),
    ...rows.filter((_, k) => k % everyY === 0),
    svg("text", { ...title, class: "axis-title" }, options.xTitle),
  ];
}

function chosenMark(cell: [number, number], layout: Layout): SVGElement {
  const [x, y] = middle(cell, layout);
  const d = `M${x.toFixed(1)} ${(y - 7).toFixed(1)}l7 7l-7 7l-7 -7z`;
  return svg("path", { d, class: "heat-chosen" }, svg("title", {}, "chosen"));
}

function star(
  cell: [number, number],
  layout: Layout,
  share: (value: number) => number,
  grid: Num[][],
): SVGElement {
  const [x, y] = middle(cell, layout);
  const value = grid[cell[0]]?.[cell[1]];
  const ink = isNumber(value) && share(value) < 0.5 ? "#000" : "#fff";
  return svg("text", { x, y: y + 5, fill: ink, class: "cell", "text-anchor": "middle" }, "★");
}

const STEPS: Record<string, [number, number]> = {
  ArrowUp: [1, 0],
  ArrowDown: [-1, 0],
  ArrowRight: [0, 1],
  ArrowLeft: [0, -1],
};

function interact(
  target: SVGSVGElement,
  layout: Layout,
  at: () => [number, number],
  onSelect: (row: number, column: number) => void,
): void {
  set(target, { tabindex: "0", role: "application", "aria-roledescription": "map of settings" });
  const pick = (event: PointerEvent) => {
    const { x, y } = placeIn(target, event);
    const [row, column] = [
      Math.floor((layout.bottom - y) / layout.high),
      Math.floor((x - layout.left) / layout.wide),
    ];
    if (row >= 0 && column >= 0 && row < layout.rows && column < layout.columns) onSelect(row, column);
  };
  target.onpointerdown = pick;
  target.onpointermove = (event) => {
    if (event.buttons === 1) pick(event);
  };
  target.onkeydown = (event) => {
    const step = STEPS[event.key];
    if (!step) return;
    event.preventDefault();
    const [row, column] = [at()[0] + step[0], at()[1] + step[1]];
    if (row >= 0 && column >= 0 && row < layout.rows && column < layout.columns) onSelect(row, column);
  };
}
