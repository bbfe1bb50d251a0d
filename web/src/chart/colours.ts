// Colours of the page's style sheet as numbers, for canvases; and the signs that tell classes apart without colour.
import type { Rgb } from "./cividis";

/** How many colours and signs there are; of more classes they begin anew. */
export const NUM_SIDES = 8;

// Of a page without the style sheet.
const OTHERWISE = ["#0072b2", "#c14f00", "#00795a", "#a5407f", "#6f5f00", "#1b1f24", "#2a7fb8", "#8c3b00"];

export interface Palette {
  paper: Rgb;
  ink: Rgb;
  /** Of the classes, in code order. */
  sides: Rgb[];
}

/** Read the colours that hold now for an element: light, dark, or what the reader chose. */
export function readPalette(element: Element): Palette {
  const style = getComputedStyle(element);
  const read = (name: string, otherwise: string) => parse(style.getPropertyValue(name).trim() || otherwise);
  return {
    paper: read("--paper", "#ffffff"),
    ink: read("--ink", "#1b1f24"),
    sides: OTHERWISE.map((otherwise, k) => read(`--series-${k}`, otherwise)),
  };
}

/** The outline of a class's sign around (0, 0): circle, triangle, square, diamond, triangle downwards, and anew. */
export function signOf(code: number, radius: number): Path2D {
  const side = code % NUM_SIDES;
  const path = new Path2D();
  if (side === 0) path.arc(0, 0, radius, 0, 2 * Math.PI);
  else for (const [x, y] of SHAPES[(side - 1) % SHAPES.length] ?? []) path.lineTo(x * radius, y * radius);
  path.closePath();
  return path;
}

/** The same as the data of an SVG path around (0, 0); a circle has none. */
export function signData(code: number, radius: number): string | undefined {
  const side = code % NUM_SIDES;
  const points = SHAPES[(side - 1) % SHAPES.length];
  return side && points ? `M${points.map(([x, y]) => `${x * radius} ${y * radius}`).join("L")}z` : undefined;
}

const SHAPES: [number, number][][] = [
  [
    [0, -1.25],
    [1.2, 0.9],
    [-1.2, 0.9],
  ],
  [
    [-1, -1],
    [1, -1],
    [1, 1],
    [-1, 1],
  ],
  [
    [0, -1.4],
    [1.3, 0],
    [0, 1.4],
    [-1.3, 0],
  ],
  [
    [0, 1.25],
    [1.2, -0.9],
    [-1.2, -0.9],
  ],
];

/** Read `#rgb` or `#rrggbb`; what is neither is black. */
export function parse(colour: string): Rgb {
  const digits = colour.replace("#", "");
  const long = digits.length === 3 ? digits.replace(/./g, "$&$&") : digits;
  return [0, 2, 4].map((start) => Number.parseInt(long.slice(start, start + 2), 16) || 0) as Rgb;
}
