// A function over a plane as colours on a canvas, with examples on top.
import { isNumber, type Num } from "../number";
import { blend, cividis, css, type Rgb } from "./cividis";

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
  /** "sides": class 0 blue, undecided pale, class 1 orange. "classes": `likeliest` by hue, the value by strength. "cividis": a magnitude. */
  colours?: "sides" | "classes" | "cividis";
  likeliest?: number[][];
  examples?: Example[];
  /** Draw the line between two classes; true for sides. */
  border?: boolean;
  /** Blend neighbouring values; true by default. */
  smooth?: boolean;
  /** Radius of an example in CSS pixels. */
  radius?: number;
}

// Okabe and Ito, in the order of the report's series.
const HUES: Rgb[] = [
  [0, 114, 178],
  [213, 94, 0],
  [0, 158, 115],
  [204, 121, 167],
  [230, 159, 0],
  [86, 180, 233],
  [240, 228, 66],
  [110, 110, 110],
];

/** Colour of a class, as the surface and the examples have it. */
export function classColour(code: number): string {
  return css(HUES[code % HUES.length] ?? [0, 0, 0]);
}

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
  const image = pixels(rows, options);
  context.clearRect(0, 0, width, height);
  if (image) {
    context.imageSmoothingEnabled = options.smooth ?? true;
    context.imageSmoothingQuality = "high";
    context.drawImage(image, 0, 0, width, height);
  }
  if (options.border ?? (options.colours ?? "sides") === "sides")
    drawBorder(context, rows, options, width, height);
  drawExamples(context, options, ratio, width, height);
}

function pixels(rows: Num[][], options: SurfaceOptions): HTMLCanvasElement | undefined {
  const [height, width] = [rows.length, rows[0]?.length ?? 0];
  const small = document.createElement("canvas");
  [small.width, small.height] = [width, height];
  const context = width && height ? small.getContext("2d") : null;
  if (!context) return undefined;
  const image = context.createImageData(width, height);
  rows.forEach((row, k) => {
    row.forEach((value, j) => {
      const at = 4 * ((height - 1 - k) * width + j);
      const [red, green, blue] = colourOf(value, options.likeliest?.[k]?.[j] ?? 0, options);
      image.data.set([red, green, blue, isNumber(value) ? 255 : 0], at);
    });
  });
  context.putImageData(image, 0, 0);
  return small;
}

function colourOf(value: Num, likeliest: number, options: SurfaceOptions): Rgb {
  const low = options.low ?? 0;
  const share = Math.min(Math.max(((value ?? low) - low) / ((options.high ?? 1) - low || 1), 0), 1);
  if (options.colours === "cividis") return cividis(share);
  if (options.colours === "classes")
    return blend([255, 255, 255], HUES[likeliest % HUES.length] ?? [0, 0, 0], 0.15 + 0.6 * share);
  const hue = HUES[share < 0.5 ? 0 : 1] ?? [0, 0, 0];
  return blend([247, 247, 247], hue, Math.abs(share - 0.5) * 1.5);
}

// Marching squares, each square's crossing edges joined in pairs: enough for a line of one level.
function drawBorder(
  context: CanvasRenderingContext2D,
  rows: Num[][],
  options: SurfaceOptions,
  width: number,
  height: number,
): void {
  const level = ((options.low ?? 0) + (options.high ?? 1)) / 2;
  const [down, right] = [rows.length, rows[0]?.length ?? 0];
  const place = (j: number, k: number): [number, number] => [
    ((j + 0.5) / right) * width,
    height - ((k + 0.5) / down) * height,
  ];
  context.beginPath();
  for (let k = 0; k + 1 < down; k += 1) {
    for (let j = 0; j + 1 < right; j += 1) {
      const corners: [number, number][] = [
        [j, k],
        [j + 1, k],
        [j + 1, k + 1],
        [j, k + 1],
      ];
      const values = corners.map(([x, y]) => rows[y]?.[x] ?? null);
      const crossed = crossings(corners, values, level).map(([x, y]) => place(x, y));
      for (let pair = 0; pair + 1 < crossed.length; pair += 2) {
        context.moveTo(...(crossed[pair] ?? [0, 0]));
        context.lineTo(...(crossed[pair + 1] ?? [0, 0]));
      }
    }
  }
  context.lineWidth = Math.max(width / 220, 1.5);
  context.strokeStyle = "#1b1f24";
  context.stroke();
}

function crossings(corners: [number, number][], values: Num[], level: number): [number, number][] {
  const found: [number, number][] = [];
  for (let k = 0; k < 4; k += 1) {
    const [a, b] = [values[k], values[(k + 1) % 4]];
    const [from, to] = [corners[k], corners[(k + 1) % 4]];
    if (!isNumber(a) || !isNumber(b) || !from || !to || a < level === b < level) continue;
    const share = (level - a) / (b - a);
    found.push([from[0] + share * (to[0] - from[0]), from[1] + share * (to[1] - from[1])]);
  }
  return found;
}

function drawExamples(
  context: CanvasRenderingContext2D,
  options: SurfaceOptions,
  ratio: number,
  width: number,
  height: number,
): void {
  const radius = (options.radius ?? 3.2) * ratio;
  const low = options.low ?? 0;
  const span = (options.high ?? 1) - low || 1;
  for (const example of options.examples ?? []) {
    const colour =
      options.colours === "cividis"
        ? css(cividis((example.target - low) / span))
        : classColour(example.target);
    context.beginPath();
    context.arc(example.x * width, height - example.y * height, radius, 0, 2 * Math.PI);
    context.fillStyle = example.hollow ? "#fff" : colour;
    context.fill();
    context.lineWidth = (example.hollow ? 1.8 : 1.2) * ratio;
    context.strokeStyle = example.hollow ? colour : "#fff";
    context.stroke();
  }
}
