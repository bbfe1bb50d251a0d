// Light or dark by choice: `data-theme` at the page, which its style sheet heeds before what the system asks.
import { html, listen } from "./dom";
import { readHash, writeHash } from "./hash";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

const DARK = "(prefers-color-scheme: dark)";

/** Event on the document when colours change; canvases draw again. */
export const THEME_EVENT = "justfit-theme";

/** Put the choice of colours at the top of the page; returns how to remove it. */
export function themeToggle(page: HTMLElement): () => void {
  const buttons = THEMES.map((theme) => html("button", { type: "button", "data-theme": theme }, theme));
  const tools = html("div", { class: "jf-tools", role: "group", "aria-label": "Colours" }, ...buttons);
  const choose = (theme: Theme) => {
    apply(page, theme);
    for (const button of buttons) button.setAttribute("aria-pressed", String(button.dataset.theme === theme));
  };
  const undo = buttons.map((button) =>
    listen(button, "click", () => {
      const theme = button.dataset.theme as Theme;
      choose(theme);
      writeHash({ theme: theme === "auto" ? undefined : theme });
    }),
  );
  undo.push(
    listen(globalThis, "hashchange", () => {
      const found = fromHash();
      if (found) choose(found);
    }),
    listen(matchMedia(DARK), "change", () => document.dispatchEvent(new Event(THEME_EVENT))),
  );
  const skip = page.querySelector(":scope > .skip"); // it stays the first stop of the keyboard
  if (skip) skip.after(tools);
  else page.prepend(tools);
  choose(fromHash() ?? "auto");
  return () => {
    for (const step of undo) step();
    apply(page, "auto");
    tools.remove();
  };
}

function fromHash(): Theme | undefined {
  return THEMES.find((theme) => theme === readHash().get("theme"));
}

function apply(page: HTMLElement, theme: Theme): void {
  for (const element of [document.documentElement, page]) {
    if (theme === "auto") delete element.dataset.theme;
    else element.dataset.theme = theme;
  }
  document.dispatchEvent(new Event(THEME_EVENT));
}
