// The plane of the two inputs: what the network answers over it (or one unit), and the examples.

import { signData } from "../chart/colours";
import { drawSurface, type Example } from "../chart/surface";
import { svg as draw, html as make } from "../dom";
import { type Num, number, setting } from "../number";
import type { Plane } from "./api";
import { colourAt } from "./palette";
import { mapOf, nameOfUnit, scaleOf, type View } from "./view";
import { freshId, mark, say, sayWithCode } from "./words";

export class PlanePanel {
  readonly element: HTMLElement;
  readonly #title = make("h2", {});
  readonly #canvas = make("canvas", { class: "jp-plane", role: "img" });
  readonly #x = make("p", { class: "jp-axis-x" });
  readonly #y = make("p", { class: "jp-axis-y" });
  readonly #low = make("span", { class: "jp-end-name" });
  readonly #high = make("span", { class: "jp-end-name" });
  readonly #signs = [0, 1].map(sign);
  readonly #held = make("input", {
    type: "checkbox",
    id: freshId("held"),
    checked: true,
    "aria-label": "Show validation examples",
  });
  readonly #notes = make("p", { class: "jp-note" });
  #plane: Plane | undefined;
  #examples: { train: Example[]; all: Example[] } = { train: [], all: [] };

  constructor(redraw: () => void) {
    this.#held.addEventListener("change", redraw);
    this.element = make(
      "section",
      { class: "jp-panel jp-output", "aria-label": "Decision surface" },
      make(
        "div",
        { class: "jp-heading" },
        this.#title,
        make(
          "label",
          { class: "jp-check", for: this.#held.id },
          this.#held,
          make("span", { class: "jp-ring", "aria-hidden": "true" }),
          "validation",
        ),
      ),
      make("div", { class: "jp-plane-frame" }, this.#y, this.#canvas, this.#x),
      make(
        "div",
        { class: "jp-legend" },
        this.#signs[0] ?? "",
        this.#low,
        make("span", { class: "jp-ramp", "aria-hidden": "true" }),
        this.#high,
        this.#signs[1] ?? "",
      ),
      this.#notes,
    );
  }

  show(view: View): void {
    this.#take(view.plane);
    const map = mapOf(view.state, view.looked);
    drawSurface(this.#canvas, map ?? view.state.surface, {
      low: 0,
      high: 255,
      colours: (share) => colourAt(view.palette.ramp, share),
      border: map === undefined && !isLevel(view.state.surface),
      examples: this.#held.checked ? this.#examples.all : this.#examples.train,
      radius: view.plane.x.length > 300 ? 2.4 : 3.2,
    });
    const { looked, plane } = view;
    const [first, second] = [0, 1].map((code) => className(plane, code)) as [string, string];
    say(this.#title, map && looked ? nameOfUnit(view.state, looked) : "Decision surface");
    for (const each of this.#signs) mark(each, "class", map ? "jp-sign-of jp-blank" : "jp-sign-of");
    const scale = map && looked ? scaleOf(view.state, looked) : undefined;
    say(this.#low, map ? endWords(scale, "\u2212") : first);
    say(this.#high, map ? endWords(scale, "") : second);
    this.#canvas.setAttribute("aria-label", this.#words(view, map !== undefined));
  }

  #words({ plane, looked, state }: View, isUnit: boolean): string {
    const held = plane.validation.filter(Boolean).length;
    const what = isUnit
      ? `Activation of ${looked && nameOfUnit(state, looked)}`
      : `Probability of ${className(plane, 1)} after ${state.epoch} epochs`;
    return `${what}, over ${plane.xName ?? "x"} and ${plane.yName ?? "y"}, with ${plane.x.length - held} training and ${held} validation examples`;
  }

  #take(plane: Plane): void {
    if (plane === this.#plane) return;
    this.#plane = plane;
    const all = plane.x.map((x, k) => ({
      x: inside((x - plane.xLow) / (plane.xHigh - plane.xLow)),
      y: inside(((plane.y[k] ?? 0) - plane.yLow) / (plane.yHigh - plane.yLow)),
      target: plane.target[k] ?? 0,
      hollow: plane.validation[k] ?? false,
    }));
    const train = all.filter(({ hollow }) => !hollow);
    this.#examples = { train, all: [...all.filter(({ hollow }) => hollow), ...train] };
    sayWithCode(this.#notes, (plane.notes ?? []).join(" "));
    this.#notes.hidden = !plane.notes?.length;
    axis(this.#x, plane.xLow, plane.xName ?? "x", plane.xHigh);
    axis(this.#y, plane.yLow, plane.yName ?? "y", plane.yHigh);
  }
}

/** What the end of the colours stands for: the unit's largest activation on the plane. */
const endWords = (scale: Num | undefined, sign: string) => (scale ? `${sign}${number(scale, 2)}` : "0");

/** Whether a surface is so level that a border through its few steps would be a staircase. */
function isLevel(surface: number[][]): boolean {
  const values = surface.flat();
  return Math.max(...values) - Math.min(...values) < LEAST_STEPS;
}

const LEAST_STEPS = 4; // of 255
const EDGE = 0.013; // half a sign, so that one at the border is seen whole

const inside = (share: number) => Math.min(Math.max(share, EDGE), 1 - EDGE);

/** The sign of a class, as its examples have it. */
function sign(code: number): SVGSVGElement {
  const data = signData(code, 4);
  const shape = data ? draw("path", { d: data }) : draw("circle", { r: 4 });
  shape.style.fill = `var(--jp-${code ? "high" : "low"})`;
  return draw("svg", { viewBox: "-6 -6 12 12", "aria-hidden": "true" }, shape);
}

/** A class as it is called; a bare code gets the word before it. */
function className(plane: Plane, code: number): string {
  const name = plane.classes?.[code] ?? String(code);
  return /^-?[\d.]+$/.test(name) ? `class ${name}` : name;
}

function axis(element: HTMLElement, low: number, name: string, high: number): void {
  const ends = [low, high].map((end) =>
    make("span", { class: "jp-axis-end" }, setting(Number(end.toPrecision(3)))),
  );
  element.replaceChildren(
    ends[0] ?? "",
    make("span", { class: "jp-axis-name", title: name }, name),
    ends[1] ?? "",
  );
}
