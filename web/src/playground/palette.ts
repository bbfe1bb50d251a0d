// Colours of the page's style sheet as numbers, for canvases: blue is class 0 and negative, orange class 1 and positive.

import { blend, type Rgb } from "../chart/cividis";
import { parse } from "../chart/colours";

export type Ramp = Uint8ClampedArray; // 256 × RGB, from low to high

const STRONGEST = 0.65; // paler than the examples, which lie on it; the same in the style sheet
const GAMMA = 0.8; // lifts faint values off the middle, so that an untrained unit is not a blank tile

export interface Palette {
  low: string;
  high: string;
  ink: string;
  soft: string;
  paper: string;
  ramp: Ramp;
}

/** The colour of a share of the way from 0 to 255: the same in a tile and in the large picture of it. */
export function colourAt(colours: Ramp, share: number): Rgb {
  const start = 3 * Math.round(255 * share);
  return [colours[start] ?? 0, colours[start + 1] ?? 0, colours[start + 2] ?? 0];
}

/** Read the palette that holds now for an element: light, dark, or what the reader chose. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string) => style.getPropertyValue(name).trim();
  const [low, middle, high] = ["--jp-low", "--jp-middle", "--jp-high"].map(read) as [string, string, string];
  const ends: [Rgb, Rgb, Rgb] = [parse(low), parse(middle), parse(high)];
  return {
    low,
    high,
    ink: read("--ink"),
    soft: read("--soft"),
    paper: read("--paper"),
    ramp: ramp(ends),
  };
}

function ramp([low, middle, high]: [Rgb, Rgb, Rgb]): Ramp {
  const colours = new Uint8ClampedArray(256 * 3);
  for (let value = 0; value < 256; value += 1) {
    const away = Math.max(-1, Math.min(1, (value - 128) / 127));
    const share = STRONGEST * Math.abs(away) ** GAMMA;
    const end = away < 0 ? low : high;
    colours.set(blend(middle, end, share), 3 * value);
  }
  return colours;
}

/** Paint a map of 0–255 values, one canvas pixel a value; the style sheet scales it smoothly. */
export function paintMap(
  canvas: HTMLCanvasElement,
  rows: readonly (readonly number[])[],
  colours: Ramp,
): void {
  const height = rows.length;
  const width = rows[0]?.length ?? 0;
  if (width === 0) return;
  if (canvas.width !== width) canvas.width = width;
  if (canvas.height !== height) canvas.height = height;
  const context = canvas.getContext("2d");
  if (!context) return;
  const image = context.createImageData(width, height);
  let pixel = 0;
  for (let row = height - 1; row >= 0; row -= 1) {
    const values = rows[row] ?? [];
    for (let column = 0; column < width; column += 1) {
      const start = 3 * Math.max(0, Math.min(255, values[column] ?? 128));
      image.data[pixel] = colours[start] ?? 0;
      image.data[pixel + 1] = colours[start + 1] ?? 0;
      image.data[pixel + 2] = colours[start + 2] ?? 0;
      image.data[pixel + 3] = 255;
      pixel += 4;
    }
  }
  context.putImageData(image, 0, 0);
}
