// The sliders, the walk along λ, and the sentence that says where one stands.
import type { Explorer } from "../data";
import { html, listen, set } from "../dom";
import { setting } from "../number";
import { type At, axesOf, cellName, triedIn, type View } from "./view";
import { cellSentence } from "./words";

const STEP_MS = 900;

export interface Controls extends View {
  stop(): void;
}

/** Make the controls; `go` moves the explorer. */
export function makeControls(data: Explorer, go: (at: At) => void): Controls {
  const [first, second] = axesOf(data);
  const tried = triedIn(data);
  let at: At = { l2: data.chosen[0], dropout: data.chosen[1] };
  const l2 = slider(first, data.l2, (value) => go({ ...at, l2: value }));
  const dropout = slider(second, data.dropout, (value) => go({ ...at, dropout: value }));
  const said = html("p", { class: "jf-said", role: "status" });
  const walk = makeWalk(
    first,
    data.l2.length,
    () => at,
    go,
    (walking) => {
      set(said, { "aria-live": walking ? "off" : undefined }); // else nine sentences queue to be spoken
      if (!walking) said.replaceChildren(said.textContent ?? "");
    },
  );
  const buttons = jumps(data).map(([name, cell]) => {
    const button = html("button", { type: "button" }, name);
    listen(button, "click", () => go({ l2: cell[0], dropout: cell[1] }));
    return { button, cell };
  });
  const element = html("div", { class: "jf-controls" });
  if (data.l2.length > 1) element.append(l2.element);
  if (data.dropout.length > 1) element.append(dropout.element);
  element.append(
    html("div", { class: "jf-buttons" }, walk.button, ...buttons.map(({ button }) => button)),
    said,
  );
  return {
    element,
    stop: walk.stop,
    show(now) {
      at = now;
      l2.show(now.l2);
      dropout.show(now.dropout);
      said.textContent = cellSentence(data, now, tried(now));
      for (const { button, cell } of buttons) {
        const here = cell[0] === now.l2 && cell[1] === now.dropout;
        set(button, {
          "aria-pressed": String(here),
          title: cellName(data, { l2: cell[0], dropout: cell[1] }),
        });
      }
    },
  };
}

// Under, right and over as in the lecture's first picture, and the smallest loss where it is not the choice.
function jumps(data: Explorer): [string, [number, number]][] {
  const [first] = axesOf(data);
  const last = data.l2.length - 1;
  const found: [string, [number, number]][] = [
    [`Largest ${first}`, [last, data.chosen[1]]],
    ["Choice", data.chosen],
    ["Smallest loss", data.best],
    ["No regularization", [0, 0]],
  ];
  const isFree = data.l2[0] === 0 && data.dropout[0] === 0 && !data.axes;
  return found.filter(([name, cell], k) => {
    const before = found.slice(0, k).some(([, other]) => String(other) === String(cell));
    return !before && (name !== "No regularization" || isFree);
  });
}

// No ids: several widgets may stand in one notebook.
function slider(name: string, values: number[], move: (index: number) => void) {
  const input = html("input", { type: "range", min: 0, max: values.length - 1, step: 1 });
  const shown = html("output");
  listen(input, "input", () => move(Number(input.value)));
  return {
    element: html("div", { class: "jf-slider" }, html("label", {}, html("span", {}, name), input), shown),
    show(index: number) {
      input.value = String(index);
      shown.textContent = setting(values[index] ?? 0);
      input.setAttribute("aria-valuetext", `${name} ${setting(values[index] ?? 0)}`);
    },
  };
}

function makeWalk(
  name: string,
  length: number,
  at: () => At,
  go: (at: At) => void,
  tell: (walking: boolean) => void,
) {
  let timer: ReturnType<typeof setInterval> | undefined;
  const button = html("button", { type: "button", class: "jf-walk", disabled: length < 2 });
  const show = () => {
    button.textContent = timer === undefined ? `▶ Walk along ${name}` : "❚❚ Stop";
  };
  const stop = () => {
    clearInterval(timer);
    timer = undefined;
    show();
    tell(false);
  };
  const step = () => {
    if (!button.isConnected || at().l2 + 1 >= length) stop();
    else go({ ...at(), l2: at().l2 + 1 });
  };
  listen(button, "click", () => {
    if (timer !== undefined) return stop();
    tell(true);
    if (at().l2 + 1 >= length) go({ ...at(), l2: 0 });
    timer = setInterval(step, STEP_MS);
    show();
  });
  show();
  return { button, stop };
}
