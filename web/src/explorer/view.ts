// What all views of the explorer share: the data, names of its cells, and axes that stay while one moves.
import type { AxisOptions } from "../chart/axes";
import type { Cell, Explorer } from "../data";
import { isNumber, type Num, setting } from "../number";

const FLOOR = 30; // losses this many times below the smallest validation loss leave the plot at its bottom
const LOG_FROM = 20;

/** One picture of the explorer. */
export interface View {
  element: HTMLElement;
  show(at: At): void;
}

/** Where the reader stands: indices into the axes. */
export interface At {
  l2: number;
  dropout: number;
}

/** Names of the two settings. */
export function axesOf(data: Explorer): [string, string] {
  return data.axes ?? ["λ", "dropout"];
}

/** The value of one cell of a grid. */
export function valueAt(grid: Num[][], at: At): Num {
  return grid[at.l2]?.[at.dropout] ?? null;
}

/** Find cells by their indices. */
export function cellFinder(data: Explorer): (at: At) => Cell | undefined {
  const cells = new Map(data.cells.map((cell) => [`${cell.l2} ${cell.dropout}`, cell]));
  return (at) => cells.get(`${at.l2} ${at.dropout}`);
}

/** Tell which cells were trained; a sweep may refine its grid in places, and no training says nothing of the rest. */
export function triedIn(data: Explorer): (at: At) => boolean {
  const find = cellFinder(data);
  return (at) => find(at) !== undefined || isNumber(valueAt(data.loss, at));
}

/** Name a cell: "λ = 3, dropout 0.2". */
export function cellName(data: Explorer, at: At): string {
  const [first, second] = axesOf(data);
  const l2 = `${first}\u00a0=\u00a0${setting(data.l2[at.l2] ?? 0)}`;
  return data.dropout.length > 1 ? `${l2}, ${second}\u00a0${setting(data.dropout[at.dropout] ?? 0)}` : l2;
}

/** The loss axis that all cells share: logarithmic where the losses span more than a factor of 20. */
export function lossAxis(train: Num[], validation: Num[]): AxisOptions {
  const judged = sorted(validation);
  const all = sorted([...train, ...validation]);
  if (judged.length === 0 || all.length === 0) return { domain: [0, 1] };
  // Single cells that run away would press all others flat: they leave the plot at its top.
  const high = Math.max(all[Math.floor(0.995 * (all.length - 1))] ?? 1, judged[0] ?? 0);
  const [low, best] = [all[0] ?? 0, judged[0] ?? 0];
  const floor = Math.max(low, best / FLOOR);
  if (best > 0 && low >= 0 && high > LOG_FROM * floor)
    return { log: true, domain: [floor / 1.15, high * 1.15] };
  const spread = high - low || Math.abs(high) || 1;
  return { log: false, domain: [Math.max(low - 0.06 * spread, Math.min(low, 0)), high + 0.08 * spread] };
}

/** Numbers, ascending. */
export function sorted(values: Num[]): number[] {
  return values.filter(isNumber).sort((a, b) => a - b);
}

/** A unit that may be long, for the title of an axis. */
export function shortUnit(unit: string): string {
  return unit.length > 20 ? `${unit.slice(0, 10)}…${unit.slice(-9)}` : unit;
}
