// λ and dropout: the map of all networks that train together, live, and the two sliders along its sides.
import { cividis, css } from "../chart/cividis";
import { html as make } from "../dom";
import { isNumber, type Num, number, setting } from "../number";
import type { Cell, Options, State } from "./api";
import type { View } from "./view";
import { freshId, mark, say, whole } from "./words";

type What = "validation" | "train" | "gap";

const ALIKE_DIGITS = 3; // that losses are compared to: what the reader sees of them

const LEAST_SPAN = 0.02; // nats: smaller differences do not get other colours

const PALE_FROM = 0.465; // share of the colours from which on black letters stand out more than white ones: 4.5 to 1 for both

const KINDS: [What, string][] = [
  ["validation", "Validation loss"],
  ["train", "Train loss"],
  ["gap", "Gap"],
];

export class Cells {
  readonly element: HTMLElement;
  readonly #options: Options;
  readonly #move: (cell: Cell) => void;
  readonly #title = make("h2", {});
  readonly #l2: HTMLInputElement;
  readonly #dropout: HTMLInputElement;
  readonly #l2Value = make("output", { class: "jp-big" });
  readonly #dropoutValue = make("output", { class: "jp-big" });
  readonly #map: HTMLElement;
  readonly #fields: HTMLElement[][] = [];
  readonly #meaning = make("p", { class: "jp-note jp-meaning" });
  readonly #go = make("button", { type: "button", class: "jp-small" }, "Go there");
  #what: What = "validation";
  #best: Best = { cells: [], areAll: false };
  #view: View | undefined;

  constructor(options: Options, move: (cell: Cell) => void) {
    this.#options = options;
    this.#move = move;
    this.#l2 = slider("l2", options.l2.length, "jp-slide-across");
    this.#dropout = slider("dropout", options.dropout.length, "jp-slide-up");
    this.#dropout.setAttribute("orient", "vertical");
    for (const input of [this.#l2, this.#dropout])
      input.addEventListener("input", () =>
        move({ l2: Number(this.#l2.value), dropout: Number(this.#dropout.value) }),
      );
    this.#map = make("div", { class: "jp-map", role: "img" });
    this.#go.addEventListener("click", () => {
      const [cell] = this.#best.cells;
      if (cell) move(cell);
    });
    this.element = this.#build();
  }

  show(view: View): void {
    this.#view = view;
    this.#l2.value = String(view.cell.l2);
    this.#dropout.value = String(view.cell.dropout);
    const [l2, p] = [this.#options.l2[view.cell.l2] ?? 0, this.#options.dropout[view.cell.dropout] ?? 0];
    say(this.#l2Value, setting(l2));
    say(this.#dropoutValue, setting(p));
    mark(this.#l2, "aria-valuetext", `λ = ${setting(l2)}`);
    mark(this.#dropout, "aria-valuetext", `p = ${setting(p)}`);
    this.#best = bestOf(view.state.grid.validation);
    say(this.#meaning, meaningOf(view));
    this.#showMap(view);
    this.#showWords();
  }

  #showMap(view: View): void {
    const grid = this.#options.l2.map((_, i) =>
      this.#options.dropout.map((__, j) => lossOf(view.state, this.#what, i, j)),
    );
    const finite = grid.flat().filter(isNumber);
    const low = Math.min(...finite);
    const high = Math.max(...finite, low + LEAST_SPAN);
    const isLog = low > 0 && high > 4 * low;
    const at = (value: number) => (isLog ? Math.log(value) : value);
    const { cells, areAll } = this.#best;
    this.#fields.forEach((column, i) => {
      column.forEach((field, j) => {
        const value = grid[i]?.[j] ?? null;
        const share = isNumber(value) ? (at(high) - at(value)) / (at(high) - at(low) || 1) : 0; // as in a report: the best is bright
        field.style.background = isNumber(value) ? css(cividis(share)) : "";
        field.classList.toggle("jp-lost", !isNumber(value));
        field.classList.toggle("jp-pale", isNumber(value) && share > PALE_FROM);
        field.classList.toggle("jp-here", i === view.cell.l2 && j === view.cell.dropout);
        field.classList.toggle(
          "jp-best",
          !areAll && cells.some((cell) => cell.l2 === i && cell.dropout === j),
        );
        say(field, isNumber(value) ? short(value) : "✕");
      });
    });
  }

  #showWords(): void {
    const { cells, areAll } = this.#best;
    const here = this.#view?.cell;
    const [best] = cells;
    this.#go.disabled =
      areAll || !best || cells.some(({ l2, dropout }) => l2 === here?.l2 && dropout === here.dropout);
    if (!best) {
      say(this.#title, "No network has a loss any more");
      return;
    }
    const where = `λ = ${setting(this.#options.l2[best.l2] ?? 0)}, p = ${setting(this.#options.dropout[best.dropout] ?? 0)}`;
    const loss = number(this.#view?.state.grid.validation[best.l2]?.[best.dropout]);
    const more = cells.length > 1 ? ` and ${cells.length - 1} more alike` : "";
    say(this.#title, areAll ? `All networks alike: ${loss}` : `Lowest now at ${where}${more}`);
    mark(
      this.#map,
      "aria-label",
      areAll
        ? `Losses of all networks over λ and dropout. All have the validation loss ${loss}.`
        : `Losses of all networks over λ and dropout. Lowest validation loss ${loss} at ${where}${more}.`,
    );
  }

  #build(): HTMLElement {
    const { l2, dropout } = this.#options;
    this.#map.style.setProperty("--jp-columns", String(l2.length));
    for (const i of l2.keys()) this.#fields.push(dropout.map((_, j) => this.#field(i, j)));
    for (let j = dropout.length - 1; j >= 0; j -= 1)
      for (const column of this.#fields) this.#map.append(column[j] ?? "");
    const frame = make(
      "div",
      { class: "jp-cells-frame" },
      make("i", { class: "jp-axis-p", "aria-hidden": "true" }, "p"),
      make("div", { class: "jp-ticks-up", "aria-hidden": "true" }, ...ticks([...dropout].reverse())),
      this.#dropout,
      this.#map,
      this.#l2,
      make("i", { class: "jp-axis-l2", "aria-hidden": "true" }, "λ"),
      make("div", { class: "jp-ticks-across", "aria-hidden": "true" }, ...ticks(l2)),
    );
    frame.style.setProperty("--jp-columns", String(l2.length));
    frame.style.setProperty("--jp-rows", String(dropout.length));
    return make(
      "section",
      { class: "jp-panel jp-cells", "aria-label": "L2 and dropout" },
      this.#title,
      make(
        "div",
        { class: "jp-readings" },
        make("label", { for: this.#l2.id }, "L2 ", make("i", {}, "λ"), " = "),
        this.#l2Value,
        make("label", { for: this.#dropout.id }, "dropout ", make("i", {}, "p"), " = "),
        this.#dropoutValue,
      ),
      this.#meaning,
      frame,
      make("div", { class: "jp-cells-foot" }, this.#kinds(), this.#go),
      make(
        "p",
        { class: "jp-note" },
        `Yellow: the lowest loss; dark: the highest. All ${l2.length * dropout.length} networks train at once on the same batches: the sliders answer without training again.`,
      ),
    );
  }

  #field(i: number, j: number): HTMLElement {
    const field = make("div", { class: "jp-cell" });
    field.title = `λ = ${setting(this.#options.l2[i] ?? 0)}, p = ${setting(this.#options.dropout[j] ?? 0)}`;
    field.addEventListener("click", () => this.#move({ l2: i, dropout: j }));
    return field;
  }

  #kinds(): HTMLElement {
    const name = freshId("kind");
    const set = make(
      "fieldset",
      { class: "jp-segments" },
      make("legend", { class: "jp-unseen" }, "What the map shows"),
    );
    for (const [kind, label] of KINDS) {
      const input = make("input", { type: "radio", name, value: kind, checked: kind === this.#what });
      input.addEventListener("change", () => {
        this.#what = kind;
        if (this.#view) this.show(this.#view);
      });
      set.append(make("label", {}, input, make("span", {}, label)));
    }
    return set;
  }
}

/** What the axis of λ means: with AdamW it is not the penalty that it is with the others. */
function meaningOf({ settings, state }: View): string {
  return settings.optimizer === "adamw"
    ? "With AdamW, λ/n is decoupled decay (claim\u00a0C6)."
    : `λ/(2n) · Σw² is added to the loss; n = ${whole(state.numTrain)}.`;
}

function slider(stem: string, length: number, kind: string): HTMLInputElement {
  return make("input", { type: "range", id: freshId(stem), class: kind, min: 0, max: length - 1, step: 1 });
}

const ticks = (values: readonly number[]) => values.map((value) => make("span", {}, setting(value)));

function lossOf(state: State, what: What, i: number, j: number): Num {
  const [train, validation] = [state.grid.train[i]?.[j], state.grid.validation[i]?.[j]];
  if (what === "train") return train ?? null;
  if (what === "validation") return validation ?? null;
  return isNumber(train) && isNumber(validation) ? validation - train : null;
}

/** The networks of the lowest loss; more than one where they cannot be told apart. */
interface Best {
  cells: Cell[];
  areAll: boolean;
}

function bestOf(grid: Num[][]): Best {
  const known: { cell: Cell; loss: number }[] = [];
  grid.forEach((row, l2) => {
    row.forEach((loss, dropout) => {
      if (isNumber(loss)) known.push({ cell: { l2, dropout }, loss });
    });
  });
  known.sort((one, other) => one.loss - other.loss);
  const least = known[0] ? number(known[0].loss, ALIKE_DIGITS) : "";
  const cells = known.filter(({ loss }) => number(loss, ALIKE_DIGITS) === least).map(({ cell }) => cell);
  return { cells, areAll: cells.length > 1 && cells.length === grid.flat().length };
}

const short = (value: number) =>
  (Math.abs(value) < 10 ? value.toFixed(2) : number(value, 2)).replace("-", "\u2212");
