// The pictures of the explorer that are lines, bars and maps.
import { drawBars } from "../chart/bars";
import { drawHeat, type Heat } from "../chart/heat";
import { drawHistogram } from "../chart/histogram";
import { drawLines, type Line } from "../chart/lines";
import type { Cell, Explorer } from "../data";
import { html, svg } from "../dom";
import { isNumber, percent, setting } from "../number";
import { along } from "./along";
import {
  type At,
  axesOf,
  cellFinder,
  cellName,
  lossAxis,
  shortUnit,
  sorted,
  type View,
  valueAt,
} from "./view";
import { activeTitle, curveTitle, pathTitle, weightTitle } from "./words";

const [NARROWEST, USUAL, WIDEST] = [300, 420, 470];

// Drawn as wide as it stands, so that letters keep their size on a phone.
function widthOf(picture: SVGSVGElement): number {
  return Math.round(Math.min(Math.max(picture.clientWidth || USUAL, NARROWEST), WIDEST));
}

interface Figure {
  element: HTMLElement;
  title: HTMLElement;
  picture: SVGSVGElement;
  caption: HTMLElement;
}

function figure(kind: string, caption: string): Figure {
  const title = html("h3");
  const picture = svg("svg");
  const below = html("figcaption", {}, caption);
  return {
    element: html("figure", { class: `jf-${kind}` }, title, picture, below),
    title,
    picture,
    caption: below,
  };
}

function clear({ picture }: Figure): void {
  picture.replaceChildren();
  picture.setAttribute("aria-label", "empty");
}

/** Learning curve of the cell. */
export function curveView(data: Explorer): View {
  const shown = figure(
    "curve",
    "Mean loss by epoch, ± 1 standard error. The axis of the loss is the same for every cell.",
  );
  const find = cellFinder(data);
  const y = lossAxis(
    data.cells.flatMap((cell) => cell.train),
    data.cells.flatMap((cell) => cell.validation),
  );
  return {
    element: shown.element,
    show(at) {
      const cell = find(at);
      const known = cell !== undefined && cell.epochs.length > 0;
      shown.title.textContent = known ? curveTitle(data, cell) : `No curve was kept of ${cellName(data, at)}`;
      if (!known) return clear(shown);
      const k = cell.bestEpoch === undefined ? -1 : cell.epochs.indexOf(cell.bestEpoch);
      const mark =
        k < 0
          ? []
          : [
              {
                x: cell.bestEpoch ?? 0,
                y: cell.validation[k] ?? null,
                label: `best epoch: ${cell.bestEpoch}`,
              },
            ];
      drawLines(shown.picture, curves(cell), {
        title: `Learning curve at ${cellName(data, at)}`,
        xTitle: "epoch",
        yTitle: `loss (${shortUnit(data.unit)})`,
        x: { domain: [0, Math.max(...cell.epochs, 1)] },
        y,
        marks: mark,
        width: widthOf(shown.picture),
        height: 300,
      });
    },
  };
}

function curves(cell: Cell): Line[] {
  const { epochs: x } = cell;
  return [
    { name: "training", kind: "train", x, y: cell.train, se: cell.trainSe },
    { name: "validation", kind: "validation", x, y: cell.validation, se: cell.validationSe },
  ];
}

/** The U: losses against λ at the dropout where the reader stands. */
export function pathView(data: Explorer, go: (at: At) => void): View {
  const [first, second] = axesOf(data);
  const shown = figure("path", "");
  const y = lossAxis(data.trainLoss.flat(), data.loss.flat());
  return {
    element: shown.element,
    show(at) {
      const place = along(data.l2, widthOf(shown.picture) - 56);
      const x = data.l2.map((_, k) => place.at(k));
      const column = (grid: (number | null)[][]) => grid.map((row) => row[at.dropout] ?? null);
      const still =
        data.dropout.length > 1 ? `, at ${second}\u00a0${setting(data.dropout[at.dropout] ?? 0)}` : "";
      shown.title.textContent = pathTitle(data, at);
      shown.caption.textContent = `Mean loss against ${first}${still}. Press or drag in the picture to move.`;
      const lines: Line[] = [
        { name: "training", kind: "train", x, y: column(data.trainLoss) },
        {
          name: "validation",
          kind: "validation",
          x,
          y: column(data.loss),
          se: column(data.lossSe),
          dots: true,
        },
      ];
      drawLines(shown.picture, lines, {
        title: `Losses against ${first}${still}`,
        xTitle: first,
        xName: first,
        yTitle: `loss (${shortUnit(data.unit)})`,
        x: { domain: place.domain, ticks: place.ticks },
        y,
        marks: [
          { x: place.at(at.l2), y: valueAt(data.loss, at), label: cellName({ ...data, dropout: [0] }, at) },
        ],
        formatX: (position) => setting(data.l2[place.index(position)] ?? 0),
        onPick: (position) => go({ ...at, l2: place.index(position) }),
        ...(place.gap === undefined ? {} : { breakAt: place.gap }),
        width: widthOf(shown.picture),
        height: 300,
      });
    },
  };
}

/** The map of all cells. */
export function mapView(data: Explorer, go: (at: At) => void): View | undefined {
  if (data.dropout.length < 2 || data.l2.length < 2) return undefined;
  const [first, second] = axesOf(data);
  const shown = figure(
    "map",
    `Bright: small validation loss. Outlined: as good as the best within its noise. ◆ choice, ★ smallest loss. Press a cell, or move with the arrow keys.`,
  );
  shown.title.textContent = mapTitle(data);
  const turned = (grid: (number | null)[][]) => data.dropout.map((_, j) => grid.map((row) => row[j] ?? null));
  let heat: Heat | undefined;
  let width = 0;
  return {
    element: shown.element,
    show(at) {
      if (width !== widthOf(shown.picture)) heat = undefined;
      width = widthOf(shown.picture);
      heat ??= drawHeat(shown.picture, turned(data.difference), {
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
        ridge: data.dropout.map((_, j) => data.l2.map((_, i) => data.ridge[i]?.[j] ?? false)),
        share: shareOfDifference(data),
        width: widthOf(shown.picture),
        height: 300,
        onSelect: (row, column) => go({ l2: column, dropout: row }),
      });
      heat.select(at.dropout, at.l2);
    },
  };
}

function mapTitle(data: Explorer): string {
  const alike = data.ridge.flat().filter(Boolean).length;
  const all = data.loss.flat().length;
  return alike === 1 ? `One cell of ${all} is best` : `${alike} of ${all} cells are as good as the best`;
}

// Differences below a standard error are all alike, so the colours start to part there (report/_heatmap.py).
function shareOfDifference(data: Explorer): (value: number) => number {
  const errors = sorted(data.differenceSe.flat()).filter((error) => error > 0);
  const worst = sorted(data.difference.flat()).at(-1) ?? 0;
  const grain = errors[Math.floor(errors.length / 2)] ?? (worst || 1);
  const whole = Math.log1p(worst / grain) || 1;
  return (value) => Math.log1p(Math.max(value, 0) / grain) / whole;
}

/** The histogram of the weights. */
export function weightView(data: Explorer): View | undefined {
  if (!data.cells.some((cell) => cell.counts)) return undefined;
  const [first] = axesOf(data);
  const shown = figure(
    "weights",
    "All weights of the trained network, biases not counted. The first and the last bar also hold what lies beyond.",
  );
  const find = cellFinder(data);
  return {
    element: shown.element,
    show(at) {
      const cell = find(at);
      const free = data.l2[0] === 0 ? find({ ...at, l2: 0 }) : undefined;
      shown.title.textContent = cell?.counts
        ? weightTitle(data, cell, free)
        : `The weights at this ${first} did not stay finite`;
      if (!cell?.counts) return clear(shown);
      const all = cell.counts.reduce((a, b) => a + b, 0) || 1;
      drawHistogram(
        shown.picture,
        cell.counts.map((count) => (100 * count) / all),
        {
          title: `Histogram of the weights at ${cellName(data, at)}`,
          xTitle: "weight (no unit)",
          yTitle: "share of the weights (%)",
          low: data.weightLow,
          high: data.weightHigh,
          width: widthOf(shown.picture),
          height: 240,
        },
      );
    },
  };
}

/** Active units of each layer, and how linear the network is. */
export function activeView(data: Explorer): View | undefined {
  if (!data.cells.some((cell) => cell.activeByLayer?.length)) return undefined;
  const shown = figure(
    "active",
    "Share of non-zero activations in each hidden layer, and of the output's variance that the best linear map of the inputs explains (R²).",
  );
  const find = cellFinder(data);
  return {
    element: shown.element,
    show(at) {
      const cell = find(at);
      shown.title.textContent = cell?.activeByLayer ? activeTitle(cell) : "This network did not stay finite";
      if (!cell?.activeByLayer) return clear(shown);
      const layers = cell.activeByLayer.map((value, k) => ({
        name: `layer ${k + 1}`,
        value,
        kind: "effect",
      }));
      const linear = isNumber(cell.r2)
        ? [{ name: "linear, R²", value: Math.max(cell.r2, 0), kind: "train" }]
        : [];
      drawBars(shown.picture, [...layers, ...linear], {
        title: `Active units and linearity at ${cellName(data, at)}`,
        xTitle: "share (%)",
        format: percent,
        width: widthOf(shown.picture),
        most: 1,
      });
    },
  };
}
