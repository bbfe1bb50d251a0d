// The pictures of the explorer that are lines and bars.
import { drawBars } from "../chart/bars";
import { drawHistogram } from "../chart/histogram";
import { drawLines, type Line } from "../chart/lines";
import type { Cell, Explorer } from "../data";
import { isNumber, percent, setting } from "../number";
import { along } from "./along";
import { clear, figure, widthOf } from "./figure";
import {
  type At,
  axesOf,
  cellFinder,
  cellName,
  lossAxis,
  shortUnit,
  triedIn,
  type View,
  valueAt,
} from "./view";
import { activeTitle, curveTitle, leavingWords, pathTitle, weightTitle } from "./words";

/** Learning curve of the cell. */
export function curveView(data: Explorer): View {
  const caption = "Mean loss by epoch, ± 1 standard error. The axis of the loss is the same for every cell.";
  const shown = figure("curve", caption);
  const [find, tried] = [cellFinder(data), triedIn(data)];
  const y = lossAxis(
    data.cells.flatMap((cell) => cell.train),
    data.cells.flatMap((cell) => cell.validation),
  );
  return {
    element: shown.element,
    show(at) {
      const cell = find(at);
      const known = cell !== undefined && cell.epochs.length > 0;
      const none = tried(at) ? "No curve was kept of" : "No network was trained at";
      shown.title.textContent = known ? curveTitle(data, cell) : `${none} ${cellName(data, at)}`;
      shown.caption.textContent = caption + leavingWords(cell?.train ?? [], y);
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
  const tried = triedIn(data);
  return {
    element: shown.element,
    show(at) {
      const place = along(data.l2, widthOf(shown.picture) - 56);
      const kept = data.l2.map((_, k) => k).filter((k) => tried({ ...at, l2: k }));
      const x = kept.map((k) => place.at(k));
      const column = (grid: (number | null)[][]) => kept.map((k) => valueAt(grid, { ...at, l2: k }));
      const still =
        data.dropout.length > 1 ? `, at ${second}\u00a0${setting(data.dropout[at.dropout] ?? 0)}` : "";
      shown.title.textContent = pathTitle(data, at, tried(at));
      const leaving = leavingWords(column(data.trainLoss), y);
      shown.caption.textContent = `Mean loss against ${first}${still}. Press or drag in the picture to move.${leaving}`;
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
