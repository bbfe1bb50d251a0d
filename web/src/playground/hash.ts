/** The whole state of the page in its address: settings by name, the cell as `l2` and `p`. Playing is never stored. */

import type { Cell, Options, Settings } from "./api";

export interface Shared {
  settings: Settings;
  cell: Cell;
}

const NUMBERS = ["noise", "num_train", "seed", "depth", "width", "learning_rate", "batch_size"] as const;
const WORDS = ["data", "activation", "init", "optimizer"] as const;

export function writeHash({ settings, cell }: Shared): string {
  const pairs = new URLSearchParams();
  for (const name of [...WORDS, ...NUMBERS]) pairs.set(name, String(settings[name]));
  const layers = settings.dropout_layers;
  pairs.set("dropout_layers", layers === "all" ? "all" : layers.join("."));
  pairs.set("l2", String(cell.l2));
  pairs.set("p", String(cell.dropout));
  return `#${pairs}`;
}

/** Read a hash; what is missing or not of its kind falls back to the default. The server judges ranges. */
export function readHash(hash: string, options: Options, fallback: Cell): Shared {
  const pairs = new URLSearchParams(hash.replace(/^#/, ""));
  const settings: Settings = { ...options.defaults };
  for (const name of NUMBERS) {
    const value = pairs.get(name);
    if (value !== null && value.trim() !== "" && Number.isFinite(Number(value)))
      settings[name] = Number(value);
  }
  for (const name of WORDS) settings[name] = pairs.get(name) ?? settings[name];
  const layers = pairs.get("dropout_layers");
  if (layers !== null) settings.dropout_layers = readLayers(layers);
  return {
    settings,
    cell: {
      l2: readIndex(pairs.get("l2"), options.l2.length, fallback.l2),
      dropout: readIndex(pairs.get("p"), options.dropout.length, fallback.dropout),
    },
  };
}

function readLayers(text: string): "all" | number[] {
  if (text === "all") return "all";
  return text
    .split(".")
    .filter((part) => /^\d+$/.test(part))
    .map(Number);
}

function readIndex(text: string | null, length: number, fallback: number): number {
  return text !== null && /^\d+$/.test(text) && Number(text) < length ? Number(text) : fallback;
}
