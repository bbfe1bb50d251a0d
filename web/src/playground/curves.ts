// Learning curves of the network that is looked at, and how the signal goes through its layers.
import { drawLines } from "../chart/lines";
import { svg as draw, html as make } from "../dom";
import { isNumber, type Num, number } from "../number";
import type { State } from "./api";
import type { View } from "./view";
import { factor, meanFactor, say, whole } from "./words";

const HEIGHT = 200;

export class CurvesPanel {
  readonly element: HTMLElement;
  readonly #title = make("h2", {});
  readonly #train = make("strong", {});
  readonly #validation = make("strong", {});
  readonly #chart = draw("svg", { class: "jp-chart" });

  constructor() {
    const key = keyOf(["train", "train ", this.#train], ["validation", "validation ", this.#validation]);
    this.element = panel("jp-curves", "Learning curves", this.#title, key, this.#chart);
  }

  show({ state }: View): void {
    const { curves } = state;
    const [train, validation] = [curves.train.at(-1), curves.validation.at(-1)];
    const lowest = lowestAt(curves.validation);
    const at = curves.epochs[lowest];
    say(this.#train, number(train, 2));
    say(this.#validation, withSe(validation, curves.validationSe.at(-1)));
    say(
      this.#title,
      isLevel(curves.validation) && state.epoch > 0
        ? `The validation loss stays at ${number(validation)}`
        : lowestWords(at, curves.validation[lowest], state.epoch),
    );
    const hasMark = at !== undefined && curves.epochs.length > 2;
    drawLines(
      this.#chart,
      [
        { name: "train", kind: "train", x: curves.epochs, y: curves.train, se: curves.trainSe },
        {
          name: "validation",
          kind: "validation",
          x: curves.epochs,
          y: curves.validation,
          se: curves.validationSe,
        },
      ],
      {
        title: `Losses by epoch: train ${number(train)}, validation ${number(validation)}`,
        description: "Bands are one standard error of the mean over examples.",
        xTitle: "epoch",
        yTitle: "loss (nats)",
        width: widthOf(this.#chart),
        height: HEIGHT,
        key: false,
        x: { domain: [0, Math.max(curves.epochs.at(-1) ?? 0, 10)] },
        ...flatAxis([...curves.train, ...curves.validation]),
        marks: hasMark ? [{ x: at, label: "lowest", y: curves.validation[lowest] ?? null }] : [],
      },
    );
  }
}

export class SignalPanel {
  readonly element: HTMLElement;
  readonly #title = make("h2", {});
  readonly #forward = make("strong", {});
  readonly #backward = make("strong", {});
  readonly #chart = draw("svg", { class: "jp-chart" });

  constructor() {
    const key = keyOf(
      ["jp-forward", "forward ", this.#forward],
      ["jp-backward", "backward ", this.#backward],
    );
    this.element = panel("jp-signal", "Signal by layer", this.#title, key, this.#chart);
  }

  show({ state, settings }: View): void {
    const forward = meanFactor(settings.depth > 1 ? state.forward.slice(0, -1) : state.forward); // the output has no activation
    const backward = meanFactor([...state.backward].reverse());
    say(this.#title, state.diverged ? "No signal to measure: it diverged" : signalWords(state.moves));
    say(this.#forward, state.diverged ? "–" : factor(forward));
    say(this.#backward, state.diverged ? "–" : factor(backward));
    const last = settings.depth + 1;
    const x = state.forward.map((_, k) => k + 1);
    const [ahead, back] = [relative(state.forward, 0), relative(state.backward, -1)];
    const dots = x.length <= 20;
    drawLines(
      this.#chart,
      [
        { name: "activations", kind: "jp-forward", x, y: ahead, dots },
        { name: "gradients", kind: "jp-backward", x, y: back, dots },
      ],
      {
        title: `Signal by layer: activations ${factor(forward)}, gradients ${factor(backward)}`,
        description: "Root mean square of activations and of loss gradients, relative to where each enters.",
        xTitle: `layer (${last}: output)`,
        yTitle: "rms, relative to where it enters",
        width: widthOf(this.#chart),
        height: HEIGHT,
        key: false,
        xName: "layer",
        x: { domain: [1, last], ticks: layerTicks(last) },
        y: { log: true, most: 5, domain: decades([...ahead, ...back]) },
      },
    );
  }
}

const LEAST_SPAN = 0.05; // nats: below it the axis is not stretched, else noise looks like learning

function flatAxis(values: readonly Num[]): { y?: { domain: [number, number] } } {
  const finite = values.filter(isNumber);
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  if (!(high - low < LEAST_SPAN)) return {};
  const middle = (low + high) / 2;
  return { y: { domain: [middle - LEAST_SPAN, middle + LEAST_SPAN] } };
}

/** Which line is which: a piece of the line, its name, its value now. */
function keyOf(...lines: [kind: string, name: string, value: Element][]): HTMLElement {
  return make(
    "p",
    { class: "jp-key" },
    ...lines.map(([kind, name, value]) => {
      const piece = draw("path", { d: "M0 5h22", class: `${kind} line` });
      return make(
        "span",
        { class: "jp-line" },
        draw("svg", { viewBox: "0 0 22 10", "aria-hidden": "true" }, piece),
        name,
        value,
      );
    }),
  );
}

const withSe = (value: Num | undefined, se: Num | undefined) =>
  isNumber(se) && se > 0 ? `${number(value, 2)} ± ${number(se, 1)}` : number(value, 2);

/** True where the reader sees the same three digits throughout: then no epoch is the lowest. */
const isLevel = (values: readonly Num[]) => new Set(values.map((value) => number(value))).size === 1;

function lowestWords(at: number | undefined, loss: Num | undefined, epoch: number): string {
  if (at === undefined || epoch === 0) return "Learning curves";
  return at === epoch
    ? `Lowest validation loss now: ${number(loss, 2)}`
    : `Lowest validation loss ${number(loss, 2)} at epoch ${whole(at)}`;
}

/** The lab says how much is a word: a thousandth over the whole network has vanished, nine tenths shrink. */
function signalWords({ forward, backward }: State["moves"]): string {
  return forward === backward
    ? `Activations and gradients ${forward}`
    : `Activations ${forward}, gradients ${backward}`;
}

function panel(kind: string, label: string, ...content: Element[]): HTMLElement {
  return make("section", { class: `jp-panel ${kind}`, "aria-label": label }, ...content);
}

const widthOf = (chart: SVGSVGElement) => Math.max(chart.clientWidth || 360, 260);

function relative(values: readonly Num[], from: number): Num[] {
  const start = values.at(from);
  return values.map((value) => (isNumber(value) && value > 0 && start ? value / start : null));
}

/** Whole powers of ten round all values, at least a tenth to ten: a level line looks level. */
function decades(values: readonly Num[]): [number, number] {
  const logs = values.filter(isNumber).map(Math.log10);
  const low = Math.floor(Math.min(-1, ...logs) + 1e-9);
  const high = Math.ceil(Math.max(1, ...logs) - 1e-9);
  return [10 ** low, 10 ** high];
}

function layerTicks(last: number): { at: number; label: string }[] {
  const every = Math.max(1, Math.ceil(last / 10));
  const step = [1, 2, 5, 10, 20].find((each) => each >= every) ?? 20;
  return Array.from({ length: last }, (_, k) => k + 1)
    .filter((layer) => layer === 1 || (layer % step === 0 && layer > step / 2))
    .map((at) => ({ at, label: String(at) }));
}

function lowestAt(values: readonly Num[]): number {
  let found = -1;
  values.forEach((value, k) => {
    if (isNumber(value) && value < (values[found] ?? Number.POSITIVE_INFINITY)) found = k;
  });
  return found;
}
