// The explorer: sliders through the networks that were really trained, in place of the static small multiples.
import type { Explorer } from "../data";
import { html } from "../dom";
import type { Model } from "../model";
import { makeControls } from "./controls";
import { activeView, curveView, pathView, weightView } from "./figures";
import { mapView } from "./map";
import { surfaceView } from "./surface";
import type { At, View } from "./view";

/** Put the explorer into the section that waits for it (or at the end of `el`); returns how to undo it. */
export function mountExplorer(model: Model, el: HTMLElement, data: Explorer): () => void {
  const place = el.querySelector<HTMLElement>("[data-justfit-explorer]") ?? el.appendChild(html("div"));
  const go = (at: At) => {
    model.set("state", at);
    model.save_changes();
  };
  const controls = makeControls(data, go);
  const surface = surfaceView(data);
  const pictures: (View | undefined)[] = [
    surface,
    curveView(data),
    pathView(data, go),
    mapView(data, go),
    weightView(data),
    activeView(data),
  ];
  const views = [controls, ...pictures.filter((view) => view !== undefined)];
  const figures = html("div", { class: "jf-figures" }, ...views.slice(1).map((view) => view.element));
  const interactive = html("div", { class: "jf-explorer" }, controls.element, figures);
  const before = [...place.children];
  for (const child of before) child.classList.add("jf-static");
  place.append(interactive);
  const show = () => {
    const at = stateOf(model, data);
    for (const view of views) view.show(at);
  };
  model.on("change:state", show);
  let width = 0;
  const watcher = new ResizeObserver(() => {
    if (width !== figures.clientWidth) show();
    width = figures.clientWidth;
  });
  watcher.observe(figures);
  show();
  return () => {
    model.off("change:state", show);
    watcher.disconnect();
    controls.stop();
    surface?.stop();
    interactive.remove();
    for (const child of before) child.classList.remove("jf-static");
  };
}

// A kernel may say anything: what is no cell is the choice.
function stateOf(model: Model, data: Explorer): At {
  const said = (model.get("state") ?? {}) as Partial<At>;
  const within = (index: number | undefined, length: number, otherwise: number) =>
    Number.isInteger(index) && (index ?? -1) >= 0 && (index ?? 0) < length ? (index ?? 0) : otherwise;
  return {
    l2: within(said.l2, data.l2.length, data.chosen[0]),
    dropout: within(said.dropout, data.dropout.length, data.chosen[1]),
  };
}
