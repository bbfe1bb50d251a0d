// A page that holds the module: no kernel answers, so the data stand in the page and the state in its address.

import { carryState } from "./carry";
import type { PageData } from "./data";
import { html } from "./dom";
import { readHash, writeHash } from "./hash";
import { type Model, staticModel } from "./model";
import { renderPlayground } from "./playground/index";
import style from "./style.css";
import { themeToggle } from "./theme";

type Render = (place: { model: Model; el: HTMLElement }) => () => void;

/** Start what this page holds: a report, the live lab, or (imported by a notebook) nothing. */
export function startPage(render: Render): void {
  const page = globalThis.document?.querySelector<HTMLElement>("body.justfit.page");
  if (!page) return;
  const report = page.matches("[data-justfit]") ? page : page.querySelector<HTMLElement>("[data-justfit]");
  const playground = page.querySelector<HTMLElement>("[data-justfit-playground]");
  themeToggle(page);
  carryState(page);
  openTarget();
  globalThis.addEventListener("hashchange", openTarget);
  if (playground) renderPlayground(playground);
  else if (!report) page.append(html("style", {}, style));
  if (!report) return;
  const block = document.getElementById("justfit-data");
  const data = JSON.parse(block?.textContent || "{}") as PageData;
  render({ model: modelOfPage(data), el: report });
}

// A link to something folded unfolds it.
function openTarget(): void {
  const target = document.getElementById(anchor());
  let folded = target?.closest("details") ?? target?.querySelector("details");
  for (; folded; folded = folded.parentElement?.closest("details")) folded.open = true;
  if (target?.closest("details")) target.scrollIntoView();
}

// An address may hold anything: what cannot be decoded leads nowhere, and the page starts all the same.
function anchor(): string {
  try {
    return decodeURIComponent(location.hash.slice(1));
  } catch {
    return "";
  }
}

function modelOfPage(data: PageData): Model {
  const model = staticModel({ data, state: stateOf(data) });
  model.on("change:state", () => {
    const state = model.get("state") as { l2: number; dropout: number };
    const moved = state.l2 !== data.explorer?.chosen[0] || state.dropout !== data.explorer?.chosen[1];
    writeHash({ l2: moved ? String(state.l2) : undefined, p: moved ? String(state.dropout) : undefined });
  });
  globalThis.addEventListener("hashchange", () => {
    if (location.hash.includes("=") || location.hash === "") model.set("state", stateOf(data));
  });
  return model;
}

function stateOf(data: PageData): { l2: number; dropout: number } | undefined {
  const explorer = data.explorer;
  if (!explorer) return undefined;
  const settings = readHash();
  const read = (name: string, axis: number[], otherwise: number) => {
    const found = Number(settings.get(name) ?? Number.NaN);
    return Number.isInteger(found) && found >= 0 && found < axis.length ? found : otherwise;
  };
  return {
    l2: read("l2", explorer.l2, explorer.chosen[0]),
    dropout: read("p", explorer.dropout, explorer.chosen[1]),
  };
}
