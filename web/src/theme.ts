// Light or dark by choice. The style sheets of the page ask `prefers-color-scheme`; a choice changes those questions
// themselves, so that no colour is written twice.
import { html, listen } from "./dom";
import { readHash, writeHash } from "./hash";

const THEMES = ["auto", "light", "dark"] as const;
type Theme = (typeof THEMES)[number];

const DARK = "(prefers-color-scheme: dark)";
const ANSWER: Record<Theme, string> = { auto: DARK, light: "not all", dark: "screen" };
const asked = new WeakSet<CSSMediaRule>();

/** Event on the document when colours change; canvases draw again. */
export const THEME_EVENT = "justfit-theme";

/** Put the choice of colours at the top of the page; returns how to remove it. */
export function themeToggle(page: HTMLElement): () => void {
  const buttons = THEMES.map((theme) => html("button", { type: "button", "data-theme": theme }, theme));
  const tools = html("div", { class: "jf-tools", role: "group", "aria-label": "Colours" }, ...buttons);
  const choose = (theme: Theme) => {
    apply(theme);
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
  page.prepend(tools);
  choose(fromHash() ?? "auto");
  return () => {
    for (const step of undo) step();
    apply("auto");
    tools.remove();
  };
}

function fromHash(): Theme | undefined {
  return THEMES.find((theme) => theme === readHash().get("theme"));
}

function apply(theme: Theme): void {
  const root = document.documentElement;
  if (theme === "auto") delete root.dataset.theme;
  else root.dataset.theme = theme;
  for (const sheet of document.styleSheets) {
    for (const rule of sheet.cssRules) answer(rule, theme);
  }
  document.dispatchEvent(new Event(THEME_EVENT));
}

function answer(rule: CSSRule, theme: Theme): void {
  if (!(rule instanceof CSSMediaRule)) return;
  if (rule.media.mediaText === DARK) asked.add(rule);
  if (asked.has(rule)) rule.media.mediaText = ANSWER[theme];
}
