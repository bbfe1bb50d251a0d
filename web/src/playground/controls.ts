// The settings: data, network, training. A change starts the networks anew; λ and dropout are not here, they answer at once.

import { html as make } from "../dom";
import { setting } from "../number";
import type { DataSet, Options, Settings } from "./api";
import type { Palette } from "./palette";
import { signOf } from "./samples";
import { Choice, Stops } from "./stops";
import type { View } from "./view";
import { freshId, mark, say, whole } from "./words";

const STOPS = {
  noise: [0, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5],
  num_train: [20, 30, 50, 75, 100, 150, 200, 300, 400, 500],
  depth: [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 12, 15, 20, 25, 30, 40, 50, 75, 100],
  width: [1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 16, 20, 24, 32],
  learning_rate: [1e-4, 3e-4, 1e-3, 3e-3, 0.01, 0.03, 0.1, 0.3, 1, 3],
  batch_size: [1, 2, 5, 10, 20, 32, 50, 100, 200, 500],
} as const;

const WIDE = "(min-width: 52.01rem)"; // on a telephone the settings are folded: the picture comes first

type NumberName = keyof typeof STOPS;

const NAMES: Record<string, string> = {
  relu: "ReLU",
  leaky_relu: "Leaky ReLU",
  elu: "ELU",
  gelu: "GELU",
  silu: "SiLU",
  selu: "SELU",
  mish: "Mish",
  softplus: "Softplus",
  tanh: "tanh",
  sigmoid: "Sigmoid",
  linear: "Linear",
  auto: "Auto (gain 1)",
  zero: "Zero",
  he: "He, 2/fan_in",
  xavier: "Xavier, 1/fan_in",
  glorot: "Glorot, 2/(in + out)",
  torch: "PyTorch's own",
  lecun: "LeCun, 1/fan_in",
  orthogonal: "Orthogonal",
  sgd: "SGD",
  momentum: "Momentum",
  adam: "Adam",
  adamw: "AdamW",
};

/** A name as the reader knows it; `normal:0.01` is a normal draw of that standard deviation. */
function nameOf(value: string): string {
  const [kind, number] = value.split(":");
  if (kind === "normal" && number) return `Normal, std ${number}`;
  return NAMES[value] ?? value;
}

/** All settings, the network that is looked at and the epoch in one sentence. */
export function settingsWords({ settings, options, cell, state }: View): string {
  const label = options.data.find(({ name }) => name === settings.data)?.label ?? settings.data;
  const noise = settings.data === "table" ? "" : `, noise ${setting(settings.noise)}`;
  return [
    `${label}${noise}, ${whole(state.numTrain)} training examples, seed ${settings.seed}`,
    `${settings.depth} × ${settings.width} hidden units, ${nameOf(settings.activation)}, ${nameOf(settings.init)}`,
    `${nameOf(settings.optimizer)}, learning rate ${setting(settings.learning_rate)}, batch size ${settings.batch_size}`,
    `λ = ${setting(options.l2[cell.l2] ?? 0)}, dropout ${setting(options.dropout[cell.dropout] ?? 0)}`,
    `epoch ${whole(state.epoch)}`,
  ].join("; ");
}

const listed = (values: readonly string[]) => values.map((value) => ({ value, label: nameOf(value) }));

export class Controls {
  readonly element: HTMLElement;
  readonly #change: (part: Partial<Settings>) => void;
  readonly #numbers = new Map<NumberName, Stops>();
  readonly #choices = new Map<"activation" | "init" | "optimizer", Choice>();
  readonly #dropout: Choice;
  readonly #seed: HTMLInputElement;
  readonly #data: DataButtons;
  readonly #synthetic: HTMLElement[] = [];

  constructor(options: Options, change: (part: Partial<Settings>) => void) {
    this.#change = change;
    this.#data = new DataButtons(options.data, (data) => change({ data }));
    this.#seed = this.#seedInput(options);
    this.#dropout = this.#dropoutChoice();
    const noise = this.#stops("noise", "Noise", options, setting);
    this.#synthetic.push(noise);
    this.element = make(
      "details",
      { class: "jp-settings", open: matchMedia(WIDE).matches },
      make("summary", {}, "Settings"),
      make(
        "div",
        { class: "jp-groups" },
        group(
          "Data",
          this.#data.element,
          noise,
          this.#stops("num_train", "Training examples", options, whole),
          this.#seedRow(),
        ),
        group(
          "Network",
          this.#stops("depth", "Hidden layers", options, whole),
          this.#stops("width", "Units a layer", options, whole),
          this.#choice("activation", "Activation", options.activation),
          this.#choice("init", "Initialization", options.init, "How the first weights are drawn"),
          this.#dropout.element,
        ),
        group(
          "Training",
          this.#choice("optimizer", "Optimizer", options.optimizer),
          this.#stops("learning_rate", "Learning rate", options, setting),
          this.#stops("batch_size", "Batch size", options, whole),
        ),
      ),
    );
  }

  show(settings: Settings): void {
    for (const [name, stops] of this.#numbers) stops.show(settings[name]);
    for (const [name, choice] of this.#choices) choice.show(settings[name]);
    this.#data.show(settings.data);
    this.#seed.value = String(settings.seed);
    this.#dropout.show(layersValue(settings.dropout_layers));
    for (const field of this.#synthetic) field.hidden = settings.data === "table";
  }

  paint(palette: Palette): void {
    this.#data.paint(palette);
  }

  #stops(name: NumberName, label: string, options: Options, format: (value: number) => string): HTMLElement {
    const [low, high] = options.ranges[name] ?? [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY];
    const inside = STOPS[name].filter((value) => value >= low && value <= high);
    const stops = new Stops({
      label,
      stops: inside,
      format,
      onChange: (value) => this.#change({ [name]: value }),
    });
    this.#numbers.set(name, stops);
    return stops.element;
  }

  #choice(
    name: "activation" | "init" | "optimizer",
    label: string,
    values: readonly string[],
    hint?: string,
  ): HTMLElement {
    const onChange = (value: string) => this.#change({ [name]: value });
    const choice = new Choice(
      hint
        ? { label, values: listed(values), onChange, hint, isWide: true }
        : { label, values: listed(values), onChange },
    );
    this.#choices.set(name, choice);
    return choice.element;
  }

  #dropoutChoice(): Choice {
    return new Choice({
      label: "Dropout in",
      values: [
        { value: "all", label: "All layers" },
        { value: "", label: "No layer" },
      ],
      hint: "Layer by layer: the switches above the network",
      onChange: (value) => this.#change({ dropout_layers: readLayersValue(value) }),
    });
  }

  #seedInput(options: Options): HTMLInputElement {
    const [low, high] = options.ranges.seed ?? [0, 2 ** 31 - 1];
    const input = make("input", {
      type: "number",
      id: freshId("seed"),
      min: low,
      max: high,
      step: 1,
      inputmode: "numeric",
    });
    input.addEventListener("change", () => {
      if (input.checkValidity() && input.value !== "") this.#change({ seed: Number(input.value) });
    });
    return input;
  }

  #seedRow(): HTMLElement {
    const button = make("button", { type: "button", class: "jp-small" }, "New draw");
    button.addEventListener("click", () => this.#change({ seed: Number(this.#seed.value) + 1 }));
    return make(
      "div",
      {
        class: "jp-field jp-seed",
        title: "The draw of examples, weights, batches and masks: same seed, same numbers",
      },
      make("label", { for: this.#seed.id }, "Seed"),
      this.#seed,
      button,
    );
  }
}

function group(title: string, ...fields: HTMLElement[]): HTMLElement {
  const id = freshId("group");
  return make("section", { class: "jp-group", "aria-labelledby": id }, make("h2", { id }, title), ...fields);
}

const layersValue = (layers: "all" | number[]) => (layers === "all" ? "all" : layers.join(", "));
const readLayersValue = (value: string): "all" | number[] =>
  value === "all" ? "all" : value.split(", ").filter(Boolean).map(Number);

/** One picture a data set, as radio buttons. */
class DataButtons {
  readonly element: HTMLElement;
  readonly #inputs = new Map<string, HTMLInputElement>();
  readonly #canvases = new Map<string, HTMLCanvasElement>();
  readonly #name: HTMLElement;
  readonly #labels = new Map<string, string>();

  constructor(sets: readonly DataSet[], choose: (name: string) => void) {
    const radio = freshId("data");
    this.#name = make("output", { class: "jp-value" });
    const row = make("div", { class: "jp-data-row" });
    for (const each of sets) {
      const input = make("input", { type: "radio", name: radio, value: each.name, "aria-label": each.label });
      const canvas = make("canvas", { width: 88, height: 88, "aria-hidden": "true" });
      input.addEventListener("change", () => choose(each.name));
      this.#inputs.set(each.name, input);
      this.#canvases.set(each.name, canvas);
      this.#labels.set(each.name, each.label);
      row.append(make("label", { title: each.label }, input, canvas));
    }
    this.element = make("fieldset", { class: "jp-data" }, make("legend", {}, "Data set"), this.#name, row);
  }

  show(name: string): void {
    for (const [each, input] of this.#inputs) input.checked = each === name;
    say(this.#name, this.#labels.get(name) ?? name);
    mark(this.#name, "title", this.#labels.get(name) ?? name);
  }

  paint(palette: Palette): void {
    for (const [name, canvas] of this.#canvases) paintSign(canvas, name, palette);
  }
}

function paintSign(canvas: HTMLCanvasElement, name: string, palette: Palette): void {
  const context = canvas.getContext("2d");
  if (!context) return;
  const { width, height } = canvas;
  context.clearRect(0, 0, width, height);
  const points = signOf(name);
  for (const [x, y, target] of points) {
    context.fillStyle = target ? palette.high : palette.low;
    context.beginPath();
    context.arc(width * (0.5 + 0.46 * x), height * (0.5 - 0.46 * y), 3.2, 0, 2 * Math.PI);
    context.fill();
  }
  if (points.length === 0) paintTable(context, palette, width, height);
}

/** A sheet with ruled cells: the reader's own table. */
function paintTable(
  context: CanvasRenderingContext2D,
  palette: Palette,
  width: number,
  height: number,
): void {
  context.strokeStyle = palette.soft;
  context.lineWidth = 4;
  context.strokeRect(0.18 * width, 0.2 * height, 0.64 * width, 0.6 * height);
  context.beginPath();
  for (const y of [0.4, 0.6]) {
    context.moveTo(0.18 * width, y * height);
    context.lineTo(0.82 * width, y * height);
  }
  context.moveTo(0.5 * width, 0.2 * height);
  context.lineTo(0.5 * width, 0.8 * height);
  context.stroke();
}
