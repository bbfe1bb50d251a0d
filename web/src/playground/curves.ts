// Learning curves of the network that is looked at, and how the signal goes through its layers.
import { drawLines, type Line } from "../chart/lines";
import { svg as draw, html as make } from "../dom";
import { isNumber, type Num, number, percent } from "../number";
import type { State } from "./api";
import type { View } from "./view";
import { factor, meanFactor, say } from "./words";

const HEIGHT = 230;

export class CurvesPanel {
  readonly element: HTMLElement;
  readonly #title = make("h2", {});
  readonly #chart = draw("svg", { class: "jp-chart" });

  constructor() {
    this.element = panel("jp-curves", "Learning curves", this.#title, this.#chart);
  }

  show({ state }: View): void {
    const { curves } = state;
    const [train, validation] = [curves.train.at(-1), curves.validation.at(-1)];
    say(this.#title, `Validation loss ${number(validation)}, train loss ${number(train)}`);
    const lowest = lowestAt(curves.validation);
    const at = curves.epochs[lowest];
    const hasMark = lowest >= 0 && at !== undefined && curves.epochs.length > 2;
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
        x: { domain: [0, Math.max(curves.epochs.at(-1) ?? 0, 10)] },
        marks: hasMark ? [{ x: at, label: "lowest", y: curves.validation[lowest] ?? null }] : [],
      },
    );
  }
}

export class SignalPanel {
  readonly element: HTMLElement;
  readonly #title = make("h2", {});
  readonly #chart = draw("svg", { class: "jp-chart" });
  readonly #note = make("p", { class: "jp-note" });

  constructor() {
    this.element = panel("jp-signal", "Signal by layer", this.#title, this.#chart, this.#note);
  }

  show({ state, settings }: View): void {
    const forward = meanFactor(state.forward);
    const backward = meanFactor([...state.backward].reverse());
    say(this.#title, `A layer: activations ${factor(forward)}, gradients ${factor(backward)}`);
    const x = state.forward.map((_, k) => k + 1);
    drawLines(this.#chart, signals(state, x), {
      title: `Forward and backward signal by layer: ${factor(forward)} and ${factor(backward)} a layer`,
      description: "Root mean square of activations and of loss gradients, relative to where each enters.",
      xTitle: `layer (${settings.depth + 1}: output)`,
      yTitle: "rms, relative to where it enters",
      width: widthOf(this.#chart),
      height: HEIGHT,
      xName: "layer",
      x: { domain: [1, settings.depth + 1], ticks: layerTicks(settings.depth + 1) },
      y: {
        log: true,
        room: 0.1,
        most: 5,
        domain: decades([...relative(state.forward, 0), ...relative(state.backward, -1)]),
      },
    });
    say(this.#note, deadWords(state.dead));
  }
}

function panel(kind: string, label: string, ...content: Element[]): HTMLElement {
  return make("section", { class: `jp-panel ${kind}`, "aria-label": label }, ...content);
}

const widthOf = (chart: SVGSVGElement) => Math.max(chart.clientWidth || 360, 260);

function signals(state: State, x: number[]): Line[] {
  const dots = x.length <= 20;
  return [
    { name: "forward: activations", kind: "series-0", x, y: relative(state.forward, 0), dots },
    { name: "backward: gradients", kind: "series-3", x, y: relative(state.backward, -1), dots },
  ];
}

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

function deadWords(dead: readonly Num[]): string {
  const worst = dead.reduce<number>((at, value, k) => ((value ?? 0) > (dead[at] ?? 0) ? k : at), 0);
  const share = dead[worst] ?? 0;
  return share > 0
    ? `Most dead units in layer ${worst + 1}: ${percent(share)} answer 0 to every training example.`
    : "No unit is dead: each answers to some training example.";
}
