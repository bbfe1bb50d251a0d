// The decision surface of the cell over the plane of the two features, with the examples.
import { NUM_SIDES, signData } from "../chart/colours";
import { drawSurface, type Example, type SurfaceOptions } from "../chart/surface";
import type { Explorer, Plane } from "../data";
import { html, listen, svg } from "../dom";
import { setting } from "../number";
import { THEME_EVENT } from "../theme";
import { type At, cellFinder, cellName, sorted, type View } from "./view";

/** The surface; undefined where the data have no plane. */
export function surfaceView(data: Explorer): (View & { stop(): void }) | undefined {
  const plane = data.plane;
  if (!plane || !data.cells.some((cell) => cell.surface?.length)) return undefined;
  const title = html("h3");
  const canvas = html("canvas", { role: "img", width: 300, height: 300 });
  const caption = html("figcaption", {}, captionOf(plane));
  const element = html("figure", { class: "jf-surface" }, title, framed(canvas, plane), key(plane), caption);
  const find = cellFinder(data);
  const options = optionsOf(data, plane);
  let last: At = { l2: data.chosen[0], dropout: data.chosen[1] };
  const show = (at: At) => {
    last = at;
    const cell = find(at);
    const rows = cell?.surface ?? [];
    title.textContent = rows.length
      ? `What the network says at ${cellName(data, at)}`
      : "This network did not stay finite";
    canvas.setAttribute("aria-label", `${title.textContent}, over ${plane.xName} and ${plane.yName}`);
    drawSurface(canvas, rows, {
      ...options,
      ...(cell?.likeliest?.length ? { likeliest: cell.likeliest } : {}),
    });
  };
  const watcher = new ResizeObserver(() => show(last));
  watcher.observe(canvas);
  const unlisten = listen(document, THEME_EVENT, () => show(last));
  const stop = () => {
    watcher.disconnect();
    unlisten();
  };
  return { element, show, stop };
}

function optionsOf(data: Explorer, plane: Plane): SurfaceOptions {
  const examples = examplesOf(plane);
  if (plane.classes.length === 2) return { colours: "sides", examples };
  if (plane.classes.length > 2)
    return { colours: "classes", low: 1 / plane.classes.length, high: 1, examples };
  const targets = sorted(plane.target);
  const seen = targets.length ? targets : sorted(data.cells.flatMap((cell) => cell.surface?.flat() ?? []));
  return { colours: "cividis", low: seen[0] ?? 0, high: seen.at(-1) ?? 1, examples };
}

function examplesOf(plane: Plane): Example[] {
  const share = (value: number | undefined, low: number, high: number) =>
    ((value ?? Number.NaN) - low) / (high - low || 1);
  return plane.target.map((target, k) => ({
    x: share(plane.x[k], plane.xLow, plane.xHigh),
    y: share(plane.y[k], plane.yLow, plane.yHigh),
    target,
  }));
}

function captionOf(plane: Plane): string {
  if (plane.classes.length === 2)
    return "Colour: the probability of the class, pale where undecided. Line: both classes are equally likely. Points: examples.";
  if (plane.classes.length > 2)
    return "Colour: the likeliest class, the stronger the surer. Points: examples.";
  return "Colour: the prediction, on the scale of the examples' values. Points: examples.";
}

function framed(canvas: HTMLCanvasElement, plane: Plane): HTMLElement {
  const ends = (low: number, high: number) => [
    html("span", {}, setting(low)),
    html("span", {}, setting(high)),
  ];
  return html(
    "div",
    { class: "jf-plane" },
    html("p", { class: "jf-y-name" }, plane.yName),
    html("div", { class: "jf-y-ends", "aria-hidden": "true" }, ...ends(plane.yLow, plane.yHigh).reverse()),
    canvas,
    html("div", { class: "jf-x-ends", "aria-hidden": "true" }, ...ends(plane.xLow, plane.xHigh)),
    html("p", { class: "jf-x-name" }, plane.xName),
  );
}

function key(plane: Plane): HTMLElement {
  const entries = plane.classes.map((name, code) => html("li", {}, sign(code), html("span", {}, name)));
  return html("ul", { class: "jf-key", hidden: entries.length === 0 }, ...entries);
}

function sign(code: number): SVGSVGElement {
  const look = { class: `example side-${code % NUM_SIDES}` };
  const d = signData(code, 5);
  const shape = d ? svg("path", { d, ...look }) : svg("circle", { r: 5, ...look });
  return svg("svg", { viewBox: "-7 -7 14 14", class: "jf-sign", "aria-hidden": "true" }, shape);
}
