// The network as a diagram: every shown unit with its map of the plane, weights as wires, a switch for dropout over each layer.
import { svg as draw, html as make, set } from "../dom";
import { isNumber, type Num, number, percent, setting } from "../number";
import type { State } from "./api";
import { type Column, type Geometry, layOut, wire } from "./geometry";
import { paintMap } from "./palette";
import { isDropped, nameOfUnit, sameUnit, type Unit, type View } from "./view";
import { mark, say, whole } from "./words";

const MOST_UNITS = 8; // of a layer that the lab shows
const THICKEST = 4.5;
const FULL = 4; // a weight of this many times 1/√fan_in has the thickest wire
const SHORT = 48; // a column narrower than this has not even room for "Output"
const WORDY = 84; // a column this wide has room for the word "Layer"

export interface NetworkActions {
  look: (unit: Unit | null) => void;
  pin: (unit: Unit) => void;
  switchDropout: (layer: number) => void;
}

interface Head {
  dead: HTMLElement;
  drop: HTMLButtonElement;
  layer: number;
}

export class Network {
  readonly element: HTMLElement;
  readonly #actions: NetworkActions;
  readonly #title = make("h2", {});
  readonly #note = make("p", { class: "jp-note" });
  readonly #scroll = make("div", { class: "jp-network-scroll" });
  readonly #stage = make("div", { class: "jp-stage" });
  readonly #observer: ResizeObserver;
  #built = "";
  #geometry: Geometry | undefined;
  #wires: SVGPathElement[][][] = [];
  #units = new Map<string, HTMLButtonElement>();
  #heads: Head[] = [];
  #output = make("canvas");
  #inputs: HTMLCanvasElement[] = [];
  #view: View | undefined;
  #width = 0;
  #isWordy = false;

  constructor(actions: NetworkActions) {
    this.#actions = actions;
    this.#scroll.append(this.#stage);
    this.element = make(
      "section",
      { class: "jp-panel jp-network", "aria-label": "Network" },
      this.#title,
      this.#scroll,
      this.#note,
    );
    this.#observer = new ResizeObserver(() => this.#resize());
    this.#observer.observe(this.#scroll);
    this.#stage.addEventListener("keydown", (event) => this.#move(event));
    this.#stage.addEventListener("pointerleave", () => actions.look(null));
    this.#stage.addEventListener("focusout", ({ relatedTarget }) => {
      const isUnit =
        relatedTarget instanceof HTMLButtonElement && relatedTarget.classList.contains("jp-unit");
      if (!isUnit) actions.look(null);
    });
  }

  close(): void {
    this.#observer.disconnect();
  }

  show(view: View): void {
    this.#view = view;
    this.#build(view);
    this.#showWeights(view);
    for (const { layer, maps } of view.state.units) {
      maps.forEach((map, unit) => {
        this.#showUnit(view, { layer, unit }, map);
      });
    }
    paintMap(this.#output, view.state.surface, view.palette.ramp);
    this.#inputs.forEach((canvas, unit) => {
      paintMap(canvas, gradient(unit), view.palette.ramp);
    });
    for (const head of this.#heads) this.#showHead(head, view);
    this.#showWords(view);
  }

  #resize(): void {
    if (this.#view && this.#scroll.clientWidth !== this.#width) this.show(this.#view);
  }

  #build(view: View): void {
    const { settings, state, plane } = view;
    const width = this.#scroll.clientWidth || 600;
    const shown = state.units.map(({ layer, maps }) => ({ layer, units: maps.length }));
    const key = JSON.stringify([
      width,
      tallest(),
      settings.depth,
      settings.width,
      shown,
      plane.xName,
      plane.yName,
    ]);
    if (key === this.#built) return;
    this.#built = key;
    this.#width = width;
    const geometry = layOut(shown, settings.depth, width, tallest());
    this.#geometry = geometry;
    this.#isWordy = geometry.width / geometry.columns.length >= WORDY;
    this.#stage.style.width = `${geometry.width}px`;
    this.#stage.style.height = `${geometry.height + (settings.width > MOST_UNITS ? 16 : 0)}px`;
    this.#units.clear();
    this.#heads = [];
    this.#inputs = [];
    const scrolls = geometry.width > width + 1;
    set(this.#scroll, {
      role: scrolls ? "group" : undefined,
      tabindex: scrolls ? "0" : undefined,
      "aria-label": scrolls ? "Network, scrolls sideways" : undefined,
    });
    this.#stage.replaceChildren(
      this.#buildWires(geometry),
      ...geometry.columns.flatMap((column) => this.#buildColumn(column, geometry, view)),
    );
    this.#stage.querySelector("button.jp-unit")?.setAttribute("tabindex", "0");
  }

  #buildWires(geometry: Geometry): SVGSVGElement {
    const canvas = draw("svg", {
      class: "jp-wires",
      viewBox: `0 0 ${geometry.width} ${geometry.height}`,
      "aria-hidden": "true",
    });
    canvas.style.width = `${geometry.width}px`;
    canvas.style.height = `${geometry.height}px`;
    this.#wires = geometry.columns.slice(1).map((column, k) => {
      const before = geometry.columns[k];
      if (!before || column.skipped > 0) return [];
      const half = geometry.tile / 2;
      return Array.from({ length: column.units }, (_, out) =>
        Array.from({ length: before.units }, (__, into) => {
          const [x0, x1] = [before.x + half, column.x - half];
          const path = draw("path", {
            d: wire(x0, geometry.y(before, into), x1, geometry.y(column, out)),
          });
          canvas.append(path);
          return path;
        }),
      );
    });
    return canvas;
  }

  #buildColumn(column: Column, geometry: Geometry, view: View): HTMLElement[] {
    const { settings, plane } = view;
    const step = geometry.width / geometry.columns.length;
    const made: HTMLElement[] = [];
    if (column.skipped > 0) made.push(skippedMark(column, geometry, step));
    if (column.layer === 0 || column.layer === settings.depth + 1) {
      made.push(this.#buildEnd(column, geometry, step, plane.xName ?? "x", plane.yName ?? "y"));
      return made;
    }
    made.push(this.#buildHead(column, step));
    for (let unit = 0; unit < column.units; unit += 1)
      made.push(this.#buildUnit({ layer: column.layer, unit }, column, geometry));
    if (settings.width > column.units) {
      const more = make("p", { class: "jp-more" }, `+${whole(settings.width - column.units)}`);
      more.title = `${whole(settings.width - column.units)} more units are not drawn`;
      place(more, column.x, geometry.y(column, column.units - 1) + geometry.tile / 2 + 12, step, 18);
      made.push(more);
    }
    return made;
  }

  #buildHead(column: Column, step: number): HTMLElement {
    const { layer } = column;
    const dead = make("span", { class: "jp-dead" });
    const drop = make("button", { type: "button", class: "jp-drop" }, "drop");
    drop.title = `Dropout after layer ${layer}`;
    drop.setAttribute("aria-label", `Dropout after layer ${layer}`);
    drop.addEventListener("click", () => this.#actions.switchDropout(layer));
    const name = make("span", { class: "jp-layer" }, this.#isWordy ? `Layer ${layer}` : String(layer));
    const head = make("div", { class: "jp-head" }, name, drop, dead);
    place(head, column.x, 29, step, 58);
    this.#heads.push({ dead, drop, layer });
    return head;
  }

  #buildUnit(unit: Unit, column: Column, geometry: Geometry): HTMLButtonElement {
    const button = make("button", { type: "button", class: "jp-unit", tabindex: "-1" }, make("canvas"));
    const { tile } = geometry;
    place(button, column.x, geometry.y(column, unit.unit), tile, tile);
    button.dataset.layer = String(unit.layer);
    button.dataset.unit = String(unit.unit);
    button.addEventListener("pointerenter", (event) => {
      if (event.pointerType === "mouse") this.#actions.look(unit);
    });
    button.addEventListener("focus", () => this.#rove(button));
    button.addEventListener("click", () => this.#actions.pin(unit));
    this.#units.set(`${unit.layer}.${unit.unit}`, button);
    return button;
  }

  #buildEnd(column: Column, geometry: Geometry, step: number, xName: string, yName: string): HTMLElement {
    const group = make("div", { class: "jp-end" });
    const isInput = column.layer === 0;
    const head = make(
      "div",
      { class: "jp-head" },
      make("span", { class: "jp-layer" }, endName(isInput, step)),
    );
    place(head, column.x, 29, step, 58);
    group.append(head);
    for (let unit = 0; unit < column.units; unit += 1) {
      const canvas = isInput ? make("canvas") : this.#output;
      canvas.className = "jp-tile";
      canvas.setAttribute("aria-hidden", "true");
      if (isInput) this.#inputs.push(canvas);
      place(canvas, column.x, geometry.y(column, unit), geometry.tile, geometry.tile);
      group.append(canvas);
      if (isInput) {
        const name = make(
          "span",
          { class: "jp-input-name", title: unit ? yName : xName },
          unit ? yName : xName,
        );
        place(name, column.x, geometry.y(column, unit) + geometry.tile / 2 + 11, step, 18);
        group.append(name);
      }
    }
    return group;
  }

  #showUnit(view: View, unit: Unit, map: number[][]): void {
    const button = this.#units.get(`${unit.layer}.${unit.unit}`);
    const canvas = button?.firstElementChild;
    if (!button || !(canvas instanceof HTMLCanvasElement)) return;
    paintMap(canvas, map, view.palette.ramp);
    const silent = isFlat(map);
    button.classList.toggle("jp-silent", silent);
    mark(button, "aria-pressed", String(sameUnit(view.looked, unit)));
    const name = nameOfUnit(view.state, unit);
    mark(button, "aria-label", silent ? `${name}: the same everywhere` : name);
  }

  #showHead({ layer, dead, drop }: Head, view: View): void {
    const share = view.state.dead[layer - 1];
    const isDying = isNumber(share) && share > 0;
    say(dead, isDying ? `${percent(share)}${this.#isWordy ? " dead" : ""}` : "");
    dead.title = isDying
      ? `${percent(share)} of the units of layer ${layer} answer 0 to every training example`
      : "";
    const on = isDropped(view.settings, layer);
    mark(drop, "aria-pressed", String(on));
    const p = view.options.dropout[view.cell.dropout] ?? 0;
    say(drop, `${this.#isWordy ? "dropout" : "p"} ${on ? setting(p) : "off"}`);
  }

  #showWeights(view: View): void {
    this.#wires.forEach((wires, k) => {
      const weights = view.state.weights[k];
      const fanIn = k === 0 ? 2 : view.settings.width;
      wires.forEach((row, out) => {
        row.forEach((path, into) => {
          showWire(path, weights?.[out]?.[into] ?? null, fanIn);
        });
      });
    });
    this.#highlight(view.looked);
  }

  #highlight(looked: Unit | null): void {
    const column = this.#geometry?.columns.findIndex(({ layer }) => layer === looked?.layer) ?? -1;
    this.#stage.classList.toggle("jp-looking", looked !== null);
    this.#wires.forEach((wires, k) => {
      wires.forEach((row, out) => {
        row.forEach((path, into) => {
          const joins = (k === column - 1 && out === looked?.unit) || (k === column && into === looked?.unit);
          path.classList.toggle("jp-near", looked !== null && joins);
        });
      });
    });
  }

  #showWords({ settings, state, looked }: View): void {
    const weights =
      settings.depth * settings.width * settings.width - settings.width ** 2 + 3 * settings.width;
    const units = settings.depth * settings.width;
    say(this.#title, `${layersOf(settings.depth)}, ${whole(weights)} weights`);
    const shown = state.units.length;
    const some = shown < settings.depth ? `${shown} of ${settings.depth} layers are drawn. ` : "";
    if (looked) say(this.#note, weightWords(state, looked, this.#geometry?.columns ?? []));
    else
      say(
        this.#note,
        `${some}Tiles: what ${units === 1 ? "the unit answers" : `${whole(units)} units answer`} over the plane${hasFlat(state) ? ", dashed where it is the same everywhere" : ""}. Wires: weights, orange positive, blue negative. ${deadWords(state.dead)}`,
      );
  }

  #rove(button: HTMLButtonElement): void {
    for (const each of this.#units.values()) mark(each, "tabindex", each === button ? "0" : "-1");
    if (button.matches(":focus-visible")) this.#actions.look(unitOf(button));
  }

  #move(event: KeyboardEvent): void {
    const from = event.target;
    if (!(from instanceof HTMLButtonElement) || !from.classList.contains("jp-unit")) return;
    const { layer, unit } = unitOf(from);
    const layers = [...new Set([...this.#units.values()].map((each) => unitOf(each).layer))];
    const at = layers.indexOf(layer);
    const steps: Record<string, [number | undefined, number]> = {
      ArrowUp: [layer, unit - 1],
      ArrowDown: [layer, unit + 1],
      ArrowLeft: [layers[at - 1], unit],
      ArrowRight: [layers[at + 1], unit],
    };
    const step = steps[event.key];
    if (!step) return;
    event.preventDefault();
    this.#units.get(`${step[0]}.${step[1]}`)?.focus();
  }
}

function unitOf(button: HTMLButtonElement): Unit {
  return { layer: Number(button.dataset.layer), unit: Number(button.dataset.unit) };
}

function place(element: HTMLElement, x: number, y: number, width: number, height: number): void {
  Object.assign(element.style, {
    left: `${x - width / 2}px`,
    top: `${y - height / 2}px`,
    width: `${width}px`,
    height: `${height}px`,
  });
}

function skippedMark(column: Column, geometry: Geometry, step: number): HTMLElement {
  const left = make("p", { class: "jp-skipped" }, step >= WORDY ? `⋯ ${column.skipped} more` : "⋯");
  place(left, column.x - step / 2, geometry.top + (geometry.height - geometry.top) / 2, step * 0.4, 40);
  left.title = `${column.skipped} layers between are not drawn`;
  return left;
}

function showWire(path: SVGPathElement, weight: Num, fanIn: number): void {
  const strength = Math.min(1, (Math.abs(weight ?? 0) * Math.sqrt(fanIn)) / FULL);
  mark(path, "class", (weight ?? 0) < 0 ? "jp-negative" : "jp-positive");
  path.style.strokeWidth = (0.35 + (THICKEST - 0.35) * strength).toFixed(2);
  path.style.opacity = isNumber(weight) ? (0.18 + 0.62 * strength).toFixed(2) : "0.1";
}

const endName = (isInput: boolean, step: number) =>
  step < SHORT ? (isInput ? "In" : "Out") : isInput ? "Inputs" : "Output";

/** Room for the units of a column: what the window has, within reason. */
const tallest = () => Math.max(240, Math.min(420, 0.31 * innerHeight));

const isFlat = (map: number[][]) => {
  const values = map.flat();
  return Math.max(...values) - Math.min(...values) < 1;
};

const hasFlat = ({ units }: State) => units.some(({ maps }) => maps.some(isFlat));

const MOST_NAMED = 3; // weights of a unit that are put in words

/** The largest weights into a unit. */
function weightWords(state: State, unit: Unit, columns: readonly Column[]): string {
  const at = columns.findIndex(({ layer }) => layer === unit.layer);
  const weights = state.weights[at - 1]?.[unit.unit];
  const before = columns[at - 1]?.layer ?? 0;
  const name = nameOfUnit(state, unit);
  if (!weights) return `${name}: the layers before it are not drawn.`;
  const largest = weights
    .map((weight, into) => ({ weight: weight ?? 0, into }))
    .sort((a, b) => Math.abs(b.weight) - Math.abs(a.weight))
    .slice(0, MOST_NAMED)
    .map(({ weight, into }) => {
      const from = before
        ? nameOfUnit(state, { layer: before, unit: into }).replace(/.*, /, "")
        : `input ${into + 1}`;
      return `${number(weight, 2)} from ${from}`;
    });
  return `${name}: largest weights ${largest.join(", ")}.`;
}

function deadWords(dead: readonly Num[]): string {
  const worst = dead.reduce<number>((at, value, k) => ((value ?? 0) > (dead[at] ?? 0) ? k : at), 0);
  const share = dead[worst] ?? 0;
  return share > 0 ? `Most dead units: layer ${worst + 1}, ${percent(share)}.` : "No unit is dead.";
}

const layersOf = (depth: number) => (depth === 1 ? "1 hidden layer" : `${depth} hidden layers`);

/** What an input looks like over the plane: a ramp along its own axis. */
function gradient(unit: number): number[][] {
  const ramp = Array.from({ length: 16 }, (_, k) => (255 * k) / 15);
  return ramp.map((low) => (unit ? ramp.map(() => Math.round(low)) : ramp.map(Math.round)));
}
