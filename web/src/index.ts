// The one module of justfit: explorer of a report, notebook widget (anywidget), and live lab.
import type { PageData } from "./data";
import { html } from "./dom";
import { type Model, staticModel } from "./model";
import { renderPlayground } from "./playground/index";
import style from "./style.css";

/** Render into `el`, which is empty in a notebook and already filled in a page; returns how to undo it. */
export function render({ model, el }: { model: Model; el: HTMLElement }): () => void {
  const data = (model.get("data") ?? { kind: "report" }) as PageData;
  const own = html("style", {}, style);
  el.append(own);
  const undo = [data.kind === "playground" ? renderPlayground(model, el) : () => {}];
  return () => {
    for (const step of undo) step();
    own.remove();
  };
}

export default { render };

const block = globalThis.document?.getElementById("justfit-data");
const place = globalThis.document?.querySelector<HTMLElement>("[data-justfit]");
if (block && place)
  render({ model: staticModel({ data: JSON.parse(block.textContent ?? "{}") }), el: place });
