// The JSON that Python puts into a page or a widget (report/_explorer_data.py). Numbers are rounded, NaN is null.
import type { Num } from "./number";

export type { Num } from "./number";
/** Indexed [l2][dropout]. */
export type Grid = Num[][];

/** The whole data block; a page of the live lab has kind "playground" and asks its server for the rest. */
export interface PageData {
  kind?: "report" | "playground";
  explorer?: Explorer;
}

/** The cells of a sweep over λ and dropout. */
export interface Explorer {
  l2: number[];
  dropout: number[];
  chosen: [number, number];
  best: [number, number];
  unit: string;
  loss: Grid;
  lossSe: Grid;
  trainLoss: Grid;
  difference: Grid;
  differenceSe: Grid;
  ridge: boolean[][];
  weightLow: number;
  weightHigh: number;
  cells: Cell[];
  plane?: Plane;
  /** What else all cells share, e.g. "learning rate 0.01". */
  setting?: string;
  /** Names of the two settings where they are not λ and dropout. */
  axes?: [string, string];
}

/** One cell: its curves, and what its trained network looks like inside where it was opened. */
export interface Cell {
  l2: number;
  dropout: number;
  epochs: number[];
  train: Num[];
  trainSe: Num[];
  validation: Num[];
  validationSe: Num[];
  bestEpoch?: number;
  sumSquares?: number;
  counts?: number[];
  active?: number;
  activeByLayer?: number[];
  r2?: number;
  surface?: Num[][];
  likeliest?: number[][];
}

/** The plane of two features in the units of the table, and examples on it. */
export interface Plane {
  xName: string;
  yName: string;
  xLow: number;
  xHigh: number;
  yLow: number;
  yHigh: number;
  x: number[];
  y: number[];
  target: number[];
  classes: string[];
}
