// The frame of a chart, as the report's static pictures have it: y title above, grid, ticks, x title below.
// Colours are CSS classes of the report's style, so that one drawing serves light, dark and paper.
import { svg } from "../dom";
import { isNumber, type Num, setting } from "../number";

export interface Tick {
  at: number;
  label: string;
}

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** Position of a value; NaN where it has none. */
export type Position = (value: Num | undefined) => number;

export interface Axis {
  position: Position;
  ticks: Tick[];
  log: boolean;
}

export interface AxisOptions {
  log?: boolean;
  /** Ends of the axis; without them those of the values. */
  domain?: [number, number];
  /** Room beyond the values, as a share of their range. */
  room?: number;
  /** Ticks of one's own, at values of the axis. */
  ticks?: Tick[];
  most?: number;
}

const LOG_FROM = 20; // a loss whose largest value is this many times its smallest is drawn on a logarithmic axis

/** True where the values are positive and span more than a factor of 20. */
export function wantsLog(values: Num[]): boolean {
  const finite = values.filter(isNumber);
  const low = Math.min(...finite);
  return finite.length > 1 && low > 0 && Math.max(...finite) > LOG_FROM * low;
}

/** Map values to [start, end]. */
export function axis(values: Num[], start: number, end: number, options: AxisOptions = {}): Axis {
  const log = options.log ?? false;
  const [low, high] = options.domain ?? extentOf(values, log, options.room ?? 0);
  const place = (value: number) => (log ? Math.log(value) : value);
  const slope = (end - start) / (place(high) - place(low));
  const position: Position = (value) =>
    !isNumber(value) || (log && value <= 0) ? Number.NaN : start + slope * (place(value) - place(low));
  const most = options.most ?? 5;
  const round = log ? logTicks(low, high, most) : niceTicks(low, high, most);
  const ticks = options.ticks ?? round.map((at) => ({ at, label: setting(at) }));
  return { position, ticks, log };
}

/** Draw grid, ticks and titles. */
export function frame(
  box: Box,
  across: Axis,
  up: Axis,
  titles: { x: string; y: string /** Room between the y title and the plot. */; gap?: number },
): SVGGElement {
  const drawn = svg("g");
  drawn.append(svg("text", { x: box.left, y: box.top - (titles.gap ?? 12), class: "axis-title" }, titles.y));
  for (const tick of up.ticks) {
    const y = up.position(tick.at);
    if (!(y >= box.top - 0.5 && y <= box.bottom + 0.5)) continue;
    drawn.append(svg("path", { d: `M${box.left} ${y.toFixed(1)}H${box.right}`, class: "grid" }));
    drawn.append(svg("text", { x: box.left - 7, y: y + 4, class: "tick", "text-anchor": "end" }, tick.label));
  }
  for (const tick of across.ticks) {
    const x = across.position(tick.at);
    if (!(x >= box.left - 0.5 && x <= box.right + 0.5)) continue;
    drawn.append(svg("path", { d: `M${x.toFixed(1)} ${box.bottom}v5`, class: "axis" }));
    drawn.append(svg("text", { x, y: box.bottom + 19, class: "tick", "text-anchor": "middle" }, tick.label));
  }
  drawn.append(svg("path", { d: `M${box.left} ${box.bottom}H${box.right}`, class: "axis" }));
  const middle = (box.left + box.right) / 2;
  drawn.append(
    svg("text", { x: middle, y: box.bottom + 38, class: "axis-title", "text-anchor": "middle" }, titles.x),
  );
  return drawn;
}

function extentOf(values: Num[], log: boolean, room: number): [number, number] {
  const finite = values.filter(isNumber).filter((value) => !log || value > 0);
  if (finite.length === 0) return log ? [0.1, 1] : [0, 1];
  const low = finite.reduce((a, b) => Math.min(a, b));
  const high = finite.reduce((a, b) => Math.max(a, b));
  if (log) return low === high ? [low / 2, high * 2] : [low / 1.15, high * 1.15];
  const spread = high - low || Math.abs(high) || 1;
  const beyond = low === high ? spread / 2 : room * spread;
  return [low >= 0 ? Math.max(low - beyond, 0) : low - beyond, high + beyond];
}

const FACTORS = [
  [1, Math.sqrt(2)],
  [2, Math.sqrt(10)],
  [5, Math.sqrt(50)],
] as const;

/** Round values in [low, high], about `most`: 1, 2 or 5 times a power of ten apart. */
function niceTicks(low: number, high: number, most = 6): number[] {
  const rough = (high - low) / Math.max(most, 1);
  const power = 10 ** Math.floor(Math.log10(rough));
  // The factor that is nearest on a logarithmic scale.
  const nearest = FACTORS.find(([, below]) => rough / power < below)?.[0] ?? 10;
  const step = nearest * power;
  const [first, last] = [Math.ceil(low / step - 1e-9), Math.floor(high / step + 1e-9)];
  const decimals = Math.min(Math.max(1 - Math.floor(Math.log10(step)), 0), 20);
  return Array.from({ length: Math.max(last - first + 1, 0) }, (_, k) =>
    Number(((first + k) * step).toFixed(decimals)),
  );
}

function logTicks(low: number, high: number, most: number): number[] {
  const candidates = [[1, 2, 5], [1, 3], [1]].map((factors) => powers(low, high, factors));
  const fitting = candidates.find((ticks) => ticks.length <= most);
  if (fitting) return fitting.length > 2 ? fitting : niceTicks(low, high, most);
  const sparse = candidates.at(-1) ?? [];
  return sparse.filter((_, k) => k % Math.ceil(sparse.length / most) === 0);
}

function powers(low: number, high: number, factors: number[]): number[] {
  const [first, last] = [Math.floor(Math.log10(low)), Math.ceil(Math.log10(high))];
  const exponents = Array.from({ length: last - first + 1 }, (_, k) => first + k);
  const all = exponents.flatMap((exponent) => factors.map((factor) => Number(`${factor}e${exponent}`)));
  return all.filter((tick) => tick >= low * 0.999 && tick <= high * 1.001);
}
