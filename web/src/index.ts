// The one module of justfit: explorer of a report, notebook widget (anywidget), and live lab.
import { copyButtons } from "./copy";
import type { PageData } from "./data";
import { html } from "./dom";
import { mountExplorer } from "./explorer/index";
import type { Model } from "./model";
import { startPage } from "./page";
import { readouts } from "./read";
import style from "./style.css";

/** Render into `el`, which is empty in a notebook and already filled in a page; returns how to undo it. */
export function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const filled = el.childElementCount > 0;
  const own = html("style", {}, style);
  // Safe: markup of justfit's own templates, which escape all that came from a user.
  if (!filled) el.innerHTML = String(model.get("html") ?? "");
  el.append(own);
  const data = (model.get("data") ?? {}) as PageData;
  const undo = [copyButtons(el), readouts(el)];
  if (data.explorer) undo.push(mountExplorer(model, el, data.explorer));
  return () => {
    for (const step of undo.reverse()) step();
    if (filled) own.remove();
    else el.replaceChildren();
  };
}

export default { render };

startPage(render);
