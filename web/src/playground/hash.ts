// The whole state of the page in its address: settings by name, the cell as `l2` and `p`. Playing is never stored.
import { readHash, writeHash } from "../hash";
import type { Cell, Options, Settings } from "./api";

export interface Shared {
  settings: Settings;
  cell: Cell;
}

const NUMBERS = ["noise", "num_train", "seed", "depth", "width", "learning_rate", "batch_size"] as const;
const WORDS = ["data", "activation", "init", "optimizer"] as const;

/** Put what is shown into the address; other keys of it stay. */
export function share({ settings, cell }: Shared): void {
  const pairs: Record<string, string> = {};
  for (const name of [...WORDS, ...NUMBERS]) pairs[name] = String(settings[name]);
  const layers = settings.dropout_layers;
  pairs.dropout_layers = layers === "all" ? "all" : layers.join(".");
  writeHash({ ...pairs, l2: String(cell.l2), p: String(cell.dropout) });
}

/** Read the address; what is missing or not of its kind falls back to the default. The server judges ranges. */
export function readShared(options: Options, otherwise: Cell): Shared {
  const pairs = readHash();
  const settings: Settings = { ...options.defaults };
  for (const name of NUMBERS) {
    const value = pairs.get(name);
    if (value?.trim() && Number.isFinite(Number(value))) settings[name] = Number(value);
  }
  for (const name of WORDS) settings[name] = pairs.get(name) ?? settings[name];
  const layers = pairs.get("dropout_layers");
  if (layers !== null) settings.dropout_layers = readLayers(layers);
  return {
    settings,
    cell: {
      l2: readIndex(pairs.get("l2"), options.l2.length, otherwise.l2),
      dropout: readIndex(pairs.get("p"), options.dropout.length, otherwise.dropout),
    },
  };
}

/** True where two settings are the same. */
export function isSame(one: Settings, other: Settings): boolean {
  return [...WORDS, ...NUMBERS, "dropout_layers" as const].every(
    (name) => String(one[name]) === String(other[name]),
  );
}

/** What the address says of λ and dropout that the lab has not; empty where it has all. */
export function strayWords(options: Options): string {
  const pairs = readHash();
  return (
    [
      ["l2", options.l2.length, "λ"],
      ["p", options.dropout.length, "dropout"],
    ] as const
  )
    .filter(([key, length]) => pairs.has(key) && readIndex(pairs.get(key), length, -1) < 0)
    .map(
      ([key, length, name]) =>
        `${key}=${(pairs.get(key) ?? "").slice(0, 20)} in this link is no place of ${name}, which has 0 to ${length - 1}.`,
    )
    .join(" ");
}

function readLayers(text: string): "all" | number[] {
  if (text === "all") return "all";
  return text
    .split(".")
    .filter((part) => /^\d+$/.test(part))
    .map(Number);
}

function readIndex(text: string | null, length: number, otherwise: number): number {
  return text !== null && /^\d+$/.test(text) && Number(text) < length ? Number(text) : otherwise;
}
