// Positions along a setting: 0 in a slot of its own and the rest logarithmic where it spans powers of ten, as on the
// report's path; else as it is.
import type { Tick } from "../chart/axes";
import { setting } from "../number";

const LOG_FROM = 20;
const LETTER = 6.8;

export interface Along {
  /** Position of the value of an index. */
  at(index: number): number;
  /** Index of a position. */
  index(position: number): number;
  domain: [number, number];
  ticks: Tick[];
  /** Middle of the gap between 0 and the logarithmic part; undefined without one. */
  gap: number | undefined;
}

/** Lay out the values of a setting over a plot of `width`. */
export function along(values: number[], width: number): Along {
  const positive = values.filter((value) => value > 0);
  const [first = 1, last = 1] = [positive[0], positive.at(-1)];
  const log = positive.length > 1 && last > LOG_FROM * first && values.every((value) => value >= 0);
  const slot = log ? Math.log10(last / first) / Math.min(Math.max(values.length - 1, 2), 8) : 0;
  const place = (value: number) => (log ? (value > 0 ? Math.log10(value) : Math.log10(first) - slot) : value);
  const places = values.map(place);
  const [low, high] = [Math.min(...places), Math.max(...places)];
  const room = 0.04 * (high - low) || 0.5;
  const domain: [number, number] = [low - room, high + room];
  return {
    at: (index) => places[index] ?? Number.NaN,
    index: (position) => nearest(places, position),
    domain,
    ticks: spaced(values, places, width / (domain[1] - domain[0])),
    gap: log && positive.length < values.length ? Math.log10(first) - slot / 2 : undefined,
  };
}

function nearest(places: number[], position: number): number {
  const away = places.map((place) => Math.abs(place - position));
  return away.indexOf(Math.min(...away));
}

// Every value where there is room, else powers of ten, else as many as fit.
function spaced(values: number[], places: number[], scale: number): Tick[] {
  const all = values.map((value, k) => ({ value, at: places[k] ?? 0, label: setting(value, 2) }));
  const round = all.filter(
    ({ value }) => value === 0 || Number.isInteger(Math.round(1e6 * Math.log10(value)) / 1e6),
  );
  for (const candidates of [all, round])
    if (candidates.length > 1 && areApart(candidates, scale)) return candidates;
  const kept: typeof all = [];
  for (const tick of round.length > 2 ? round : all) {
    if (areApart([...kept.slice(-1), tick], scale)) kept.push(tick);
  }
  return kept;
}

function areApart(ticks: Tick[], scale: number): boolean {
  return ticks.every((tick, k) => {
    const before = ticks[k - 1];
    const needed = before ? (LETTER * (before.label.length + tick.label.length)) / 2 + 5 : 0;
    return !before || (tick.at - before.at) * scale >= needed;
  });
}
