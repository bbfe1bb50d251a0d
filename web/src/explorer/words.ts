// What the explorer says: one sentence a picture, with the numbers it rests on.
import type { AxisOptions } from "../chart/axes";
import type { Cell, Explorer } from "../data";
import { isNumber, type Num, number, percent, withSe } from "../number";
import { type At, axesOf, cellName, sorted, valueAt } from "./view";

/** Said below curves whose training loss leaves the plot at its bottom, with a space before it; else nothing. */
export function leavingWords(train: Num[], axis: AxisOptions): string {
  const lowest = sorted(train)[0] ?? Number.POSITIVE_INFINITY;
  return lowest < (axis.domain?.[0] ?? 0)
    ? ` Training losses that leave the plot go down to ${number(lowest)}.`
    : "";
}

/** The sentence under the sliders. */
export function cellSentence(data: Explorer, at: At, tried: boolean): string {
  const name = cellName(data, at);
  if (!tried) return `${name}: this cell was not trained.`;
  const loss = valueAt(data.loss, at);
  if (!isNumber(loss)) return `${name}: the training diverged, so there is no loss to compare.`;
  const found = withSe(loss, valueAt(data.lossSe, at), data.unit);
  const train = valueAt(data.trainLoss, at);
  const trained = isNumber(train) ? `, training loss ${number(train)}` : "";
  return `${name}: validation loss ${found}${trained}. ${standing(data, at)}`;
}

function standing(data: Explorer, at: At): string {
  const is = ([l2, dropout]: [number, number]) => l2 === at.l2 && dropout === at.dropout;
  if (is(data.best))
    return is(data.chosen) ? "It is the choice and has the smallest loss." : "It has the smallest loss.";
  const difference = valueAt(data.difference, at);
  const where = isNumber(difference)
    ? `${withSe(difference, valueAt(data.differenceSe, at), data.unit)} above the best`
    : "";
  const alike = where && data.ridge[at.l2]?.[at.dropout] ? ", as good within the noise" : "";
  if (is(data.chosen)) return where ? `It is the choice, ${where}${alike}.` : "It is the choice.";
  return where ? `It lies ${where}${alike}.` : "";
}

/** Title of the learning curve. */
export function curveTitle(data: Explorer, cell: Cell): string {
  const finite = cell.validation.map((value, k) => ({ value, k })).filter(({ value }) => isNumber(value));
  const last = finite.at(-1);
  if (!last) return "This training diverged at once";
  if (finite.length < cell.validation.length)
    return `This training diverged after epoch ${cell.epochs[last.k]}`;
  const best = finite.reduce((a, b) => ((b.value ?? 0) < (a.value ?? 0) ? b : a));
  const [low, end] = [best.value ?? 0, last.value ?? 0];
  const rise = end - low;
  const se = cell.validationSe[last.k] ?? 0;
  if (best.k === last.k)
    return `Validation loss is lowest at the last epoch: ${number(end)}\u00a0${data.unit}`;
  if (rise > Math.max(se, 0)) {
    return `Validation loss is lowest at epoch ${cell.epochs[best.k]}, then rises by ${number(rise, 2)}\u00a0${data.unit}`;
  }
  return `Validation loss stays near its lowest, ${number(low)}\u00a0${data.unit}`;
}

/** Title of the path. */
export function pathTitle(data: Explorer, at: At, tried: boolean): string {
  const difference = valueAt(data.difference, at);
  const [name] = axesOf(data);
  if (at.l2 === data.best[0] && at.dropout === data.best[1])
    return `No other ${name} has a smaller validation loss`;
  if (!tried) return `This ${name} was not trained here`;
  if (!isNumber(difference)) return `With this ${name} the training diverged`;
  return `Here the loss lies ${withSe(difference, valueAt(data.differenceSe, at), data.unit)} above the best`;
}

/** Title of the histogram of weights; `free` is the cell without regularization at the same dropout. */
export function weightTitle(data: Explorer, cell: Cell, free: Cell | undefined): string {
  const sum = cell.sumSquares;
  if (!isNumber(sum)) return "The weights of this network";
  const [name] = axesOf(data);
  if (free === cell) return `Without ${name}, Σw² is ${number(sum)}`;
  const share = isNumber(free?.sumSquares) && free.sumSquares > 0 ? sum / free.sumSquares : undefined;
  return `Σw² is ${number(sum)}${share === undefined ? "" : `, ${percent(share)} of that without ${name}`}`;
}

/** Title of the active units and the linearity. */
export function activeTitle(cell: Cell): string {
  const active = isNumber(cell.active)
    ? `${percent(cell.active)} of the hidden activations are not zero`
    : "";
  const linear = isNumber(cell.r2)
    ? `a linear map explains ${percent(Math.max(cell.r2, 0))} of the output`
    : "";
  const text = [active, linear].filter(Boolean).join("; ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
