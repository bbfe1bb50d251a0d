// Named bars from left to right, with their values beside them.
import { set, svg } from "../dom";
import { isNumber, type Num, number } from "../number";

export interface Bar {
  name: string;
  value: Num;
  /** CSS class of the report's style: effect, train, … */
  kind: string;
}

export interface BarsOptions {
  title: string;
  xTitle: string;
  format?: (value: Num) => string;
  /** Value of the whole width; the largest without it. */
  most?: number;
  width?: number;
}

const ROW = 26;
const MOST_ROWS = 12;

/** Draw bars into `target`, in place of what stood there; of more than twelve the first ones and the last. */
export function drawBars(target: SVGSVGElement, bars: Bar[], options: BarsOptions): void {
  const width = options.width ?? 420;
  const format = options.format ?? number;
  const rows = bars.length > MOST_ROWS ? [...bars.slice(0, MOST_ROWS - 1), ...bars.slice(-1)] : bars;
  const left = 14 + 6.6 * Math.max(...rows.map((bar) => bar.name.length), 1);
  const right = width - 62;
  const most = options.most ?? Math.max(...rows.map((bar) => bar.value ?? 0), 1e-12);
  const height = 22 + ROW * rows.length;
  set(target, { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": options.title });
  const drawn = rows.flatMap((bar, k) => {
    const y = 22 + ROW * k;
    const share = isNumber(bar.value) ? Math.min(Math.max(bar.value / most, 0), 1) : 0;
    return [
      svg("text", { x: left - 8, y: y + 14, class: "tick", "text-anchor": "end" }, bar.name),
      svg("rect", { x: left, y: y + 3, width: right - left, height: 15, rx: 2, class: "track" }),
      svg("rect", {
        x: left,
        y: y + 3,
        width: share * (right - left),
        height: 15,
        rx: 2,
        class: `${bar.kind} dot`,
      }),
      svg("text", { x: right + 8, y: y + 15, class: "tick strong" }, format(bar.value)),
    ];
  });
  const said = rows.map((bar) => `${bar.name}: ${format(bar.value)}`).join("; ");
  target.replaceChildren(
    svg("title", {}, options.title),
    svg("desc", {}, said),
    svg("text", { x: 0, y: 12, class: "axis-title" }, options.xTitle),
    ...drawn,
  );
}
