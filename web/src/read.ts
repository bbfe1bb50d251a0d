// Read-outs on the printed charts: their lines say on which axes they are drawn (report/_svg.py, `readable`), so a
// place on a line gives its numbers back, as exactly as a drawing can.
import type { Box } from "./chart/axes";
import { drawReadout, placeIn, type Reading } from "./chart/readout";
import { listen, svg } from "./dom";
import { setting } from "./number";

const NAMES: Record<string, string> = { train: "training", validation: "validation", step: "mean" };
const RESOLUTION = 0.1; // of positions in a drawing, in its units

interface Drawn {
  kind: string;
  points: [number, number][];
}

interface Scale {
  low: number;
  high: number;
  start: number;
  end: number;
  log: boolean;
}

/** Let the charts inside `el` be read under the pointer; returns how to stop it. */
export function readouts(el: HTMLElement): () => void {
  const undo = [...el.querySelectorAll<SVGGElement>("g[data-read]")].map((lines) => {
    const chart = lines.closest<SVGSVGElement>("svg[role=img]");
    return chart ? readout(chart, lines) : () => {};
  });
  return () => {
    for (const step of undo) step();
  };
}

function readout(chart: SVGSVGElement, lines: SVGGElement): () => void {
  const [across, up] = [scaleOf(lines.dataset.x), scaleOf(lines.dataset.y)];
  const drawn = [...lines.querySelectorAll("path.line")].map(lineOf);
  const box: Box = {
    left: across.start,
    right: across.end,
    top: Math.min(up.start, up.end),
    bottom: up.start,
  };
  const shown = chart.appendChild(svg("g", { class: "readout", "aria-hidden": "true" }));
  const clear = () => shown.replaceChildren();
  const show = (event: PointerEvent) => {
    const { x, y } = placeIn(chart, event);
    const at = nearest(drawn, x);
    const outside = x < box.left - 8 || x > box.right + 8 || y < box.top - 8 || y > box.bottom + 8;
    if (outside || at === undefined) return clear();
    const title = `${lines.dataset.read} ${setting(rounded(across, at, Math.round), 6)}`;
    shown.replaceChildren(...drawReadout(at, title, readingsAt(drawn, at, up), box));
  };
  const undo = [
    listen(chart, "pointermove", show),
    listen(chart, "pointerdown", show),
    listen(chart, "pointerleave", clear),
  ];
  return () => {
    for (const step of undo) step();
    shown.remove();
  };
}

function readingsAt(drawn: Drawn[], at: number, up: Scale): Reading[] {
  return drawn.flatMap(({ kind, points }) => {
    const y = points.find(([x]) => x === at)?.[1];
    if (y === undefined) return [];
    return [{ kind, y, words: `${NAMES[kind] ?? kind} ${setting(rounded(up, y), 3)}` }];
  });
}

// No more digits than the drawing holds.
function rounded(scale: Scale, position: number, whole?: (value: number) => number): number {
  const value = valueAt(scale, position);
  if (whole) return whole(value);
  const grain = Math.abs(valueAt(scale, position + RESOLUTION) - value) || 1e-12;
  const decimals = Math.min(Math.max(Math.ceil(-Math.log10(grain)), 0), 20);
  return Number(value.toFixed(decimals));
}

function valueAt(scale: Scale, position: number): number {
  const share = (position - scale.start) / (scale.end - scale.start);
  return scale.log
    ? scale.low * (scale.high / scale.low) ** share
    : scale.low + share * (scale.high - scale.low);
}

function nearest(drawn: Drawn[], x: number): number | undefined {
  const all = drawn.flatMap(({ points }) => points.map(([at]) => at));
  return all.reduce<number | undefined>(
    (found, at) => (found === undefined || Math.abs(at - x) < Math.abs(found - x) ? at : found),
    undefined,
  );
}

function lineOf(path: Element): Drawn {
  const numbers = (path.getAttribute("d") ?? "").split(/[ML]/).filter(Boolean);
  const points = numbers.map((pair) => pair.trim().split(/\s+/).map(Number) as [number, number]);
  return { kind: path.classList[0] ?? "", points };
}

function scaleOf(written = ""): Scale {
  const [low = 0, high = 1, start = 0, end = 1] = written.split(" ").map(Number);
  return { low, high, start, end, log: written.endsWith(" log") };
}
