// Cividis: perceptually uniform, the same for the colour-blind; the same five stops as report/_cividis.py.
// Nuñez, Anderton, Renslow 2018, "Optimizing colormaps with consideration for color vision deficiency".

export type Rgb = [number, number, number];

const STOPS: Rgb[] = [
  [0, 34, 78],
  [67, 78, 108],
  [125, 124, 120],
  [188, 175, 111],
  [254, 232, 56],
];

/** Colour of a share in [0, 1]; 0 is dark, 1 bright. */
export function cividis(share: number): Rgb {
  const place = (STOPS.length - 1) * Math.min(Math.max(share, 0), 1);
  const low = Math.min(Math.floor(place), STOPS.length - 2);
  return blend(STOPS[low] ?? [0, 0, 0], STOPS[low + 1] ?? [0, 0, 0], place - low);
}

/** The colour a share of the way from one to another. */
export function blend(from: Rgb, to: Rgb, share: number): Rgb {
  return from.map((value, k) => Math.round(value + share * ((to[k] ?? 0) - value))) as Rgb;
}

/** Write a colour as CSS takes it. */
export function css(colour: Rgb): string {
  return `rgb(${colour.join(" ")})`;
}
