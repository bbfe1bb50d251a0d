// Where the units of the drawn network stand: one column a shown layer, inputs first, the output last.

export interface Column {
  layer: number; // 0: inputs, 1…depth: hidden, depth + 1: output
  units: number; // drawn
  skipped: number; // layers left out between this column and the one before
  x: number;
}

export interface Geometry {
  columns: Column[];
  tile: number;
  height: number;
  width: number;
  top: number;
  y: (column: Column, unit: number) => number;
}

const TOP = 62; // room for the heads of the columns
const GAP = 8;
const LARGEST = 46;
const INPUTS_APART = 18; // beyond the gap: the names of the inputs stand below them
const SMALLEST_COLUMN = 42;

/** Lay out hidden layers `shown` (numbers from 1, with their drawn units) of a network `depth` deep into `width` pixels, units within `tallest`. */
export function layOut(
  shown: readonly { layer: number; units: number }[],
  depth: number,
  width: number,
  tallest: number,
): Geometry {
  const layers = [{ layer: 0, units: 2 }, ...shown, { layer: depth + 1, units: 1 }];
  const room = Math.max(width, layers.length * SMALLEST_COLUMN);
  const step = room / layers.length;
  const most = Math.max(...layers.map(({ units }) => units), 4);
  const tile = Math.max(26, Math.min(LARGEST, step * 0.62, tallest / most - GAP));
  const columns = layers.map(({ layer, units }, index) => ({
    layer,
    units,
    skipped: layer - (layers[index - 1]?.layer ?? layer - 1) - 1,
    x: (index + 0.5) * step,
  }));
  const inner = most * (tile + GAP) - GAP;
  const y = (column: Column, unit: number) => {
    const apart = tile + GAP + (column.layer === 0 ? INPUTS_APART : 0);
    return TOP + inner / 2 + (unit - (column.units - 1) / 2) * apart;
  };
  return { columns, tile, height: TOP + inner + 6, width: room, top: TOP, y };
}

/** A wire from the right side of one unit to the left side of another. */
export function wire(x0: number, y0: number, x1: number, y1: number): string {
  const bend = (x1 - x0) / 2;
  return `M${x0.toFixed(1)} ${y0.toFixed(1)}C${(x0 + bend).toFixed(1)} ${y0.toFixed(1)} ${(x1 - bend).toFixed(1)} ${y1.toFixed(1)} ${x1.toFixed(1)} ${y1.toFixed(1)}`;
}
