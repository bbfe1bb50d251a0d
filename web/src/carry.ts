// Between the pages of the live lab the settings in the address go along: the playground comes back as it was left, and
// the colours that were chosen hold everywhere. Reports have no links of this kind.
import { listen } from "./dom";
import { readHash } from "./hash";

const OURS = "a[href^='/'], form[action^='/']";

/** Let links and forms to other pages of the same server take the settings along; returns how to stop. */
export function carryState(page: HTMLElement): () => void {
  let last = readHash(); // an anchor that is followed takes the place of the settings
  const remember = () => {
    const now = readHash();
    if (now.size > 0) last = now;
  };
  const take = ({ target }: Event) => {
    remember();
    const place = target instanceof Element ? target.closest<HTMLElement>(OURS) : null;
    const name = place?.tagName === "FORM" ? "action" : "href";
    const path = place?.getAttribute(name);
    if (!place || !path || path.startsWith("//")) return;
    if (/#[^=]+$/.test(path)) return; // a place on the other page
    const chosen = document.documentElement.dataset.theme;
    const settings = new URLSearchParams(last);
    if (chosen) settings.set("theme", chosen);
    else settings.delete("theme");
    const text = settings.toString();
    place.setAttribute(name, path.replace(/#.*/, "") + (text ? `#${text}` : ""));
  };
  const undo = [
    listen(globalThis, "hashchange", remember),
    listen(page, "pointerdown", take), // before another button of the mouse opens or copies the link
    listen(page, "click", take),
    listen(page, "submit", take),
  ];
  return () => {
    for (const step of undo) step();
  };
}
