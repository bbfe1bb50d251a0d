// A function over a plane as colours on a canvas, with borders and examples, in the colours of the page.
import { isNumber, type Num } from "../number";
import { blend, cividis, css, type Rgb } from "./cividis";
import { NUM_SIDES, type Palette, readPalette, signOf } from "./colours";

export interface Example {
  /** Share of the width and of the height (from below), in [0, 1]. */
  x: number;
  y: number;
  /** Class code, or the value in regression. */
  target: number;
  /** Drawn hollow, e.g. an example of validation. */
  hollow?: boolean;
}

export interface SurfaceOptions {
  /** Values of the two ends of the colours; 0 and 1 without them. */
  low?: number;
  high?: number;
  /**
   * "sides": class 0 in the first colour, class 1 in the second, undecided pale. "classes": `likeliest` by colour, the
   * value by strength. "cividis": a magnitude. A function: the colour of a share of the way from `low` to `high`.
   */
  colours?: "sides" | "classes" | "cividis" | ((share: number) => Rgb);
  likeliest?: number[][];
  examples?: Example[];
  /** Draw the line between classes; true but for a magnitude. */
  border?: boolean;
  /** Radius of an example in CSS pixels. */
  radius?: number;
}

interface Scene {
  context: CanvasRenderingContext2D;
  rows: Num[][];
  options: SurfaceOptions;
  palette: Palette;
  width: number;
  height: number;
  /** Device pixels a CSS pixel. */
  ratio: number;
}

type Point = [number, number];

/**
 * Draw rows (from low y to high y, each from low x to high x) over the whole canvas.
 * The canvas takes the size that CSS gives it, in device pixels.
 */
export function drawSurface(canvas: HTMLCanvasElement, rows: Num[][], options: SurfaceOptions = {}): void {
  const ratio = Math.min(globalThis.devicePixelRatio || 1, 2);
  const width = Math.max(Math.round((canvas.clientWidth || canvas.width) * ratio), 1);
  const height = Math.max(Math.round((canvas.clientHeight || canvas.height) * ratio), 1);
  if (canvas.width !== width || canvas.height !== height) [canvas.width, canvas.height] = [width, height];
  const context = canvas.getContext("2d");
  if (!context) return;
  const scene: Scene = { context, rows, options, palette: readPalette(canvas), width, height, ratio };
  context.clearRect(0, 0, width, height);
  paint(scene);
  if (options.border ?? options.colours !== "cividis") drawBorder(scene);
  for (const example of options.examples ?? []) drawExample(example, scene);
}

function paint(scene: Scene): void {
  const { options, context } = scene;
  const image = pixels(scene);
  if (!image) return;
  context.imageSmoothingEnabled = options.colours !== "classes";
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, scene.width, scene.height);
}

function pixels({ rows, options, palette }: Scene): HTMLCanvasElement | undefined {
  const [height, width] = [rows.length, rows[0]?.length ?? 0];
  const small = document.createElement("canvas");
  [small.width, small.height] = [width, height];
  const context = width && height ? small.getContext("2d") : null;
  if (!context) return undefined;
  const image = context.createImageData(width, height);
  rows.forEach((row, k) => {
    row.forEach((value, j) => {
      const at = 4 * ((height - 1 - k) * width + j);
      const colour = colourOf(value, options.likeliest?.[k]?.[j] ?? 0, options, palette);
      image.data.set([...colour, isNumber(value) ? 255 : 0], at);
    });
  });
  context.putImageData(image, 0, 0);
  return small;
}

function colourOf(value: Num, likeliest: number, options: SurfaceOptions, palette: Palette): Rgb {
  const share = shareOf(value, options);
  if (typeof options.colours === "function") return options.colours(share);
  if (options.colours === "cividis") return cividis(share);
  if (options.colours === "classes") return wash(palette, likeliest, share);
  return wash(palette, share < 0.5 ? 0 : 1, Math.abs(share - 0.5) * 2);
}

// Paler than the examples, which lie on it; the same strengths as report/_surface.py.
function wash(palette: Palette, code: number, strength: number): Rgb {
  return blend(palette.paper, palette.sides[code % NUM_SIDES] ?? palette.ink, 0.1 + 0.55 * strength);
}

function shareOf(value: Num, options: SurfaceOptions): number {
  const low = options.low ?? 0;
  return Math.min(Math.max(((value ?? low) - low) / ((options.high ?? 1) - low || 1), 0), 1);
}

function drawBorder(scene: Scene): void {
  const { context, options, palette, ratio } = scene;
  context.beginPath();
  const pieces = options.likeliest ? steps(scene, options.likeliest) : crossings(scene);
  for (const [from, to] of pieces) {
    context.moveTo(...from);
    context.lineTo(...to);
  }
  context.lineWidth = 1.6 * ratio;
  context.strokeStyle = css(palette.ink);
  context.stroke();
}

// The edges between places of different classes.
function steps(scene: Scene, codes: number[][]): [Point, Point][] {
  const [wide, tall] = [scene.width / (codes[0]?.length ?? 1), scene.height / codes.length];
  return codes.flatMap((row, k) =>
    row.flatMap((code, j) => {
      const [right, top] = [(j + 1) * wide, scene.height - (k + 1) * tall];
      const pieces: [Point, Point][] = [];
      if (j + 1 < row.length && code !== row[j + 1])
        pieces.push([
          [right, top],
          [right, top + tall],
        ]);
      if (k + 1 < codes.length && code !== codes[k + 1]?.[j])
        pieces.push([
          [right - wide, top],
          [right, top],
        ]);
      return pieces;
    }),
  );
}

// Marching squares: through each square of four places, where its sides cross the level; crossings joined in pairs.
function crossings(scene: Scene): [Point, Point][] {
  const { rows, options, width, height } = scene;
  const level = ((options.low ?? 0) + (options.high ?? 1)) / 2;
  const [down, right] = [rows.length, rows[0]?.length ?? 0];
  const pieces: [Point, Point][] = [];
  for (let k = 0; k + 1 < down; k += 1) {
    for (let j = 0; j + 1 < right; j += 1) {
      const found = crossed(rows, j, k, level);
      const places = found.map(
        ([x, y]): Point => [((x + 0.5) / right) * width, height - ((y + 0.5) / down) * height],
      );
      for (let pair = 0; pair + 1 < places.length; pair += 2) {
        pieces.push([places[pair] ?? [0, 0], places[pair + 1] ?? [0, 0]]);
      }
    }
  }
  return pieces;
}

function crossed(rows: Num[][], j: number, k: number, level: number): Point[] {
  const corners: Point[] = [
    [j, k],
    [j + 1, k],
    [j + 1, k + 1],
    [j, k + 1],
  ];
  return corners.flatMap((from, side): Point[] => {
    const to = corners[(side + 1) % 4] ?? from;
    const [a, b] = [rows[from[1]]?.[from[0]], rows[to[1]]?.[to[0]]];
    if (!isNumber(a) || !isNumber(b) || a < level === b < level) return [];
    const share = (level - a) / (b - a);
    return [[from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]];
  });
}

function drawExample(example: Example, { context, options, palette, width, height, ratio }: Scene): void {
  const magnitude = options.colours === "cividis";
  const side = palette.sides[example.target % NUM_SIDES] ?? palette.ink;
  const colour = css(magnitude ? cividis(shareOf(example.target, options)) : side);
  const sign = signOf(magnitude ? 0 : example.target, (options.radius ?? 3.2) * ratio);
  context.save();
  context.translate(example.x * width, height - example.y * height);
  context.fillStyle = example.hollow ? css(palette.paper) : colour;
  context.fill(sign);
  context.lineWidth = (example.hollow ? 1.8 : 1) * ratio;
  context.strokeStyle = example.hollow ? colour : css(palette.paper);
  context.stroke(sign);
  context.restore();
}
