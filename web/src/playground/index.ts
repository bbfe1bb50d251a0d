// The live lab's playground. (Interface only so far: the page says that it is being built.)
import type { Model } from "../model";

/** Build the playground in `el`; the returned function stops and removes it. */
export function renderPlayground(_model: Model, el: HTMLElement): () => void {
  return () => el.replaceChildren();
}
