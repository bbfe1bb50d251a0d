// A map of cells over two settings: one coloured cell each, the selected one outlined, chosen by pointer or arrow keys.
import { interpolateCividis } from "d3-scale-chromatic";
import { set, svg } from "../dom";
import { isNumber, type Num, number } from "../number";

export interface HeatOptions {
  title: string;
  xTitle: string;
  yTitle: string;
  /** Names of the columns (second index of the grid) and of the rows (first index). */
  xLabels: string[];
  yLabels: string[];
  /** Unit of the values, for words. */
  unit?: string;
  /** [row, column]. */
  selected?: [number, number];
  /** Marked with a diamond. */
  chosen?: [number, number];
  /** Cells within one standard error of the best: dotted. */
  ridge?: boolean[][];
  /** Colours by the logarithm; true where the values span more than a factor of 20. */
  log?: boolean;
  /** Ends of the colours, so that maps can be compared; those of the values without them. */
  low?: number;
  high?: number;
  width?: number;
  height?: number;
  onSelect?: (row: number, column: number) => void;
}

/** A drawn map, whose selection moves without drawing all cells again. */
export interface Heat {
  select(row: number, column: number): void;
}

/** Draw a grid indexed [row][column], row 0 at the bottom, into `target`, in place of what stood there. */
export function drawHeat(target: SVGSVGElement, grid: Num[][], options: HeatOptions): Heat {
  const [rows, columns] = [grid.length, grid[0]?.length ?? 0];
  const width = options.width ?? 420;
  const height = options.height ?? 300;
  const left = 14 + 6.6 * Math.max(...options.yLabels.map((label) => label.length), 1);
  const box = { left, top: 30, right: width - 10, bottom: height - 44 };
  const [wide, high] = [
    (box.right - box.left) / Math.max(columns, 1),
    (box.bottom - box.top) / Math.max(rows, 1),
  ];
  const colour = colours(grid, options);
  const place = (row: number, column: number) => ({
    x: box.left + column * wide,
    y: box.bottom - (row + 1) * high,
  });
  const cells = svg("g");
  grid.forEach((values, row) => {
    values.forEach((value, column) => {
      const { x, y } = place(row, column);
      cells.append(
        svg(
          "rect",
          {
            x,
            y,
            width: wide - gap(wide),
            height: high - gap(high),
            ...(isNumber(value) ? { fill: colour(value) } : { class: "hatch" }),
          },
          svg("title", {}, `${words(grid, row, column, options)}`),
        ),
      );
      if (options.ridge?.[row]?.[column] && wide > 8 && high > 8) {
        const share = isNumber(value) ? colour.share(value) : 0;
        cells.append(
          svg("circle", { cx: x + wide / 2, cy: y + high / 2, r: 2.2, fill: share > 0.55 ? "#000" : "#fff" }),
        );
      }
    });
  });
  const outline = svg("rect", { width: wide, height: high, rx: 2, class: "heat-selected" });
  target.setAttribute("viewBox", `0 0 ${width} ${height}`);
  target.replaceChildren(
    svg("text", { x: 0, y: box.top - 12, class: "axis-title" }, options.yTitle),
    cells,
    ...labels(options, box, wide, high),
    ...(options.chosen ? [chosenMark(place(...options.chosen), wide, high)] : []),
    outline,
  );
  let at: [number, number] = options.selected ?? [0, 0];
  const select = (row: number, column: number) => {
    at = [row, column];
    set(outline, place(row, column));
    target.setAttribute("aria-label", `${options.title}. ${words(grid, row, column, options)}`);
  };
  if (options.selected) select(...options.selected);
  else {
    outline.remove();
    target.setAttribute("aria-label", options.title);
  }
  target.setAttribute("role", "img");
  if (options.onSelect) interact(target, box, [rows, columns], () => at, options.onSelect);
  return { select };
}

function gap(size: number): number {
  return size > 6 ? 1 : 0;
}

function colours(
  grid: Num[][],
  options: HeatOptions,
): ((value: number) => string) & { share(value: number): number } {
  const finite = grid.flat().filter(isNumber);
  const low = options.low ?? finite.reduce((a, b) => Math.min(a, b), Number.POSITIVE_INFINITY);
  const high = options.high ?? finite.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const log = options.log ?? (low > 0 && high > 20 * low);
  const at = (value: number) => (log ? Math.log(Math.max(value, low)) : value);
  const share = (value: number) =>
    Math.min(Math.max((at(value) - at(low)) / (at(high) - at(low) || 1), 0), 1);
  return Object.assign((value: number) => interpolateCividis(share(value)), { share });
}

function words(grid: Num[][], row: number, column: number, options: HeatOptions): string {
  const value = grid[row]?.[column];
  const found = isNumber(value) ? `${number(value)} ${options.unit ?? ""}`.trim() : "no finite loss";
  return `${options.yTitle} ${options.yLabels[row]}, ${options.xTitle} ${options.xLabels[column]}: ${found}`;
}

interface Rectangle {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

function labels(options: HeatOptions, box: Rectangle, wide: number, high: number): SVGElement[] {
  const drawn: SVGElement[] = [];
  const broad = 6.6 * Math.max(...options.xLabels.map((label) => label.length), 1) + 6;
  const every = (size: number, needed: number) => Math.max(1, Math.ceil(needed / size));
  options.xLabels.forEach((label, k) => {
    if (k % every(wide, broad) === 0)
      drawn.push(
        svg(
          "text",
          { x: box.left + (k + 0.5) * wide, y: box.bottom + 17, class: "tick", "text-anchor": "middle" },
          label,
        ),
      );
  });
  options.yLabels.forEach((label, k) => {
    if (k % every(high, 14) === 0)
      drawn.push(
        svg(
          "text",
          { x: box.left - 7, y: box.bottom - (k + 0.5) * high + 4, class: "tick", "text-anchor": "end" },
          label,
        ),
      );
  });
  const middle = (box.left + box.right) / 2;
  drawn.push(
    svg(
      "text",
      { x: middle, y: box.bottom + 38, class: "axis-title", "text-anchor": "middle" },
      options.xTitle,
    ),
  );
  return drawn;
}

function chosenMark(corner: { x: number; y: number }, wide: number, high: number): SVGElement {
  const [x, y] = [corner.x + wide / 2, corner.y + high / 2];
  return svg(
    "path",
    { d: `M${x.toFixed(1)} ${(y - 7).toFixed(1)}l7 7l-7 7l-7 -7z`, class: "diamond" },
    svg("title", {}, "chosen"),
  );
}

function interact(
  target: SVGSVGElement,
  box: Rectangle,
  size: [number, number],
  at: () => [number, number],
  onSelect: (row: number, column: number) => void,
): void {
  const within = (value: number, most: number) => Math.min(Math.max(value, 0), most - 1);
  target.setAttribute("tabindex", "0");
  target.setAttribute("role", "application");
  const pick = (event: PointerEvent) => {
    const drawn = target.getBoundingClientRect();
    const x = ((event.clientX - drawn.left) / drawn.width) * target.viewBox.baseVal.width;
    const y = ((event.clientY - drawn.top) / drawn.height) * target.viewBox.baseVal.height;
    const column = Math.floor(((x - box.left) / (box.right - box.left)) * size[1]);
    const row = Math.floor(((box.bottom - y) / (box.bottom - box.top)) * size[0]);
    if (row >= 0 && column >= 0 && row < size[0] && column < size[1]) onSelect(row, column);
  };
  target.onpointerdown = pick;
  target.onpointermove = (event) => {
    if (event.buttons === 1) pick(event);
  };
  const steps: Record<string, [number, number]> = {
    ArrowUp: [1, 0],
    ArrowDown: [-1, 0],
    ArrowRight: [0, 1],
    ArrowLeft: [0, -1],
  };
  target.onkeydown = (event) => {
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    const [row, column] = at();
    onSelect(within(row + step[0], size[0]), within(column + step[1], size[1]));
  };
}
