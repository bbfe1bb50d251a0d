// The map of all cells: validation loss over both settings.
import { drawHeat, type Heat } from "../chart/heat";
import type { Explorer } from "../data";
import { isNumber, setting } from "../number";
import { figure, widthOf } from "./figure";
import { type At, axesOf, sorted, triedIn, type View, valueAt } from "./view";

/** The map of all cells. */
export function mapView(data: Explorer, go: (at: At) => void): View | undefined {
  if (data.dropout.length < 2 || data.l2.length < 2) return undefined;
  const [first, second] = axesOf(data);
  const shown = figure("map", captionOf(data));
  shown.title.textContent = mapTitle(data);
  // The map has λ to the right and dropout upwards, as the printed one.
  const turned = <T>(value: (at: At) => T) =>
    data.dropout.map((_, dropout) => data.l2.map((_, l2) => value({ l2, dropout })));
  let heat: Heat | undefined;
  let width = 0;
  return {
    element: shown.element,
    show(at) {
      if (width !== widthOf(shown.picture)) heat = undefined;
      width = widthOf(shown.picture);
      heat ??= drawHeat(
        shown.picture,
        turned((at) => valueAt(data.difference, at)),
        {
          title: `Validation loss above the best, ${second} against ${first}`,
          name: "above the best by",
          unit: data.unit,
          xTitle: first,
          yTitle: second,
          xLabels: data.l2.map((value) => setting(value, 2)),
          yLabels: data.dropout.map((value) => setting(value, 2)),
          selected: [at.dropout, at.l2],
          chosen: [data.chosen[1], data.chosen[0]],
          best: [data.best[1], data.best[0]],
          tried: turned(triedIn(data)),
          ridge: turned((at) => data.ridge[at.l2]?.[at.dropout] ?? false),
          share: shareOfDifference(data),
          width: widthOf(shown.picture),
          height: 300,
          onSelect: (row, column) => go({ l2: column, dropout: row }),
        },
      );
      heat.select(at.dropout, at.l2);
    },
  };
}

function mapTitle(data: Explorer): string {
  const alike = data.ridge.flat().filter(Boolean).length;
  const all = everywhere(data).filter(triedIn(data)).length;
  return alike === 1 ? `One cell of ${all} is best` : `${alike} of ${all} cells are as good as the best`;
}

function captionOf(data: Explorer): string {
  const failed = everywhere(data)
    .filter(triedIn(data))
    .some((at) => !isNumber(valueAt(data.loss, at)));
  return `Bright: small validation loss. Outlined: as good as the best within its noise. ◆ choice, ★ smallest loss${failed ? ", ✕ diverged" : ""}. Press a cell, or move with the arrow keys.`;
}

function everywhere(data: Explorer): At[] {
  return data.l2.flatMap((_, l2) => data.dropout.map((_, dropout) => ({ l2, dropout })));
}

// Differences below a standard error are all alike, so the colours start to part there (report/_heatmap.py).
function shareOfDifference(data: Explorer): (value: number) => number {
  const errors = sorted(data.differenceSe.flat()).filter((error) => error > 0);
  const worst = sorted(data.difference.flat()).at(-1) ?? 0;
  const grain = errors[Math.floor(errors.length / 2)] ?? (worst || 1);
  const whole = Math.log1p(worst / grain) || 1;
  return (value) => Math.log1p(Math.max(value, 0) / grain) / whole;
}
