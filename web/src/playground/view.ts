// All that the panels draw from, at one moment.
import type { Num } from "../data";
import type { Cell, Options, Plane, Settings, State } from "./api";
import type { Palette } from "./palette";

/** A hidden unit: its layer from 1, its place among the shown units of that layer from 0. */
export interface Unit {
  layer: number;
  unit: number;
}

export interface View {
  options: Options;
  settings: Settings;
  cell: Cell;
  state: State;
  plane: Plane;
  palette: Palette;
  /** The unit whose map stands in place of the decision surface. */
  looked: Unit | null;
}

export const sameUnit = (a: Unit | null, b: Unit | null) => a?.layer === b?.layer && a?.unit === b?.unit;

/** The map of a hidden unit, where the state shows it. */
export function mapOf(state: State, unit: Unit | null): number[][] | undefined {
  return state.units.find(({ layer }) => layer === unit?.layer)?.maps[unit?.unit ?? 0];
}

/** The largest absolute activation of a unit on the plane, to which the ends of its colours belong. */
export function scaleOf(state: State, unit: Unit): Num | undefined {
  return state.units.find(({ layer }) => layer === unit.layer)?.scale[unit.unit];
}

/** A unit as it is called: its place in the layer, counted over all units, not only those that are drawn. */
export function nameOfUnit(state: State, { layer, unit }: Unit): string {
  const indices = state.units.find((each) => each.layer === layer)?.indices;
  return `Layer ${layer}, unit ${indices?.[unit] ?? unit + 1}`;
}

/** Whether dropout acts after a hidden layer. */
export function isDropped(settings: Settings, layer: number): boolean {
  return settings.dropout_layers === "all" || settings.dropout_layers.includes(layer);
}

/** The dropout layers after one layer was switched. */
export function withSwitched(settings: Settings, layer: number): "all" | number[] {
  const all = Array.from({ length: settings.depth }, (_, k) => k + 1);
  const now = all.filter((each) => isDropped(settings, each) !== (each === layer));
  return now.length === settings.depth ? "all" : now;
}
