// A slider over listed values, and a drop-down list: what is set is written beside it and spoken with it.

import { html as make } from "../dom";
import { freshId, mark, say } from "./words";

export interface StopsOptions {
  label: string;
  stops: readonly number[];
  format: (value: number) => string;
  onChange: (value: number) => void;
  hint?: string;
}

export class Stops {
  readonly element: HTMLElement;
  readonly input: HTMLInputElement;
  readonly #options: StopsOptions;
  readonly #output: HTMLElement;
  #stops: number[];

  constructor(options: StopsOptions) {
    this.#options = options;
    this.#stops = [...options.stops];
    const id = freshId("stops");
    this.#output = make("output", { for: id, class: "jp-value" });
    this.input = make("input", { type: "range", id, min: 0, max: this.#stops.length - 1, step: 1 });
    this.element = make(
      "div",
      { class: "jp-field", title: options.hint },
      make("label", { for: id }, options.label),
      this.#output,
      this.input,
    );
    this.input.addEventListener("input", () => this.#speak());
    this.input.addEventListener("change", () => options.onChange(this.value));
  }

  get value(): number {
    return this.#stops[Number(this.input.value)] ?? this.#stops[0] ?? 0;
  }

  /** Show a value; one that is no stop (from an address) becomes one. */
  show(value: number): void {
    if (!this.#stops.includes(value)) {
      this.#stops = [...this.#stops, value].sort((a, b) => a - b);
      mark(this.input, "max", this.#stops.length - 1);
    }
    this.input.value = String(this.#stops.indexOf(value));
    this.#speak();
  }

  #speak(): void {
    const text = this.#options.format(this.value);
    say(this.#output, text);
    mark(this.input, "aria-valuetext", text);
    const last = Math.max(1, this.#stops.length - 1);
    this.input.style.setProperty("--jp-filled", `${(100 * Number(this.input.value)) / last}%`);
  }
}

export interface ChoiceOptions {
  label: string;
  values: readonly { value: string; label: string }[];
  onChange: (value: string) => void;
  hint?: string;
  isWide?: boolean; // its names need the whole row
}

/** A drop-down list; a value that is not on it (from an address) is added, so that the page shows what was asked. */
export class Choice {
  readonly element: HTMLElement;
  readonly select: HTMLSelectElement;

  constructor(options: ChoiceOptions) {
    const id = freshId("choice");
    this.select = make("select", { id });
    for (const { value, label } of options.values) this.select.append(make("option", { value }, label));
    this.element = make(
      "div",
      { class: options.isWide ? "jp-field jp-choice jp-wide" : "jp-field jp-choice", title: options.hint },
      make("label", { for: id }, options.label),
      this.select,
    );
    this.select.addEventListener("change", () => options.onChange(this.select.value));
  }

  show(value: string): void {
    if (![...this.select.options].some((option) => option.value === value)) {
      this.select.append(make("option", { value }, value));
    }
    this.select.value = value;
  }
}
