// Top of the page: play, step, reset and the epoch; the verdict as it stands; what the server refused.
import { svg as draw, html as make } from "../dom";
import { percent } from "../number";
import type { Refusal, Settings, State } from "./api";
import type { Pace, Session } from "./session";
import { freshId, mark, say, sayWithCode, whole } from "./words";

export interface HeadActions {
  play: (on: boolean) => void;
  step: () => void;
  reset: () => void;
  pace: (pace: Pace) => void;
  copy: () => Promise<void>;
}

export class Transport {
  readonly element: HTMLElement;
  readonly #play: HTMLButtonElement;
  readonly #epoch = make("strong", {}, "0");
  readonly #within = make("span", { class: "jp-within" });
  #isPlaying = false;
  readonly #copied = make("span", { role: "status", class: "jp-copied" });

  constructor(actions: HeadActions) {
    this.#play = button("jp-play", "Play", "Space", () => actions.play(!this.#isPlaying));
    const tools = make(
      "p",
      { class: "jp-tools" },
      this.#copied,
      textButton("Copy link", () => {
        actions.copy().then(
          () => say(this.#copied, "Copied"),
          () => say(this.#copied, "Copy the address of this page"),
        );
        setTimeout(() => say(this.#copied, ""), 3000);
      }),
    );
    this.element = make(
      "div",
      { class: "jp-transport" },
      button("jp-reset", "Reset: draw new weights with the same seed", "", actions.reset),
      this.#play,
      button("jp-step", "One step", "", actions.step),
      make("p", { class: "jp-epoch" }, "Epoch ", this.#epoch, this.#within),
      paceChoice(actions.pace),
      tools,
    );
  }

  show(session: Session): void {
    this.#isPlaying = session.playing; // told by the name alone: "Pause, pressed" would say both
    mark(this.#play, "aria-label", session.playing ? "Pause" : "Play");
    mark(this.#play, "title", session.playing ? "Pause (Space)" : "Play (Space)");
    const shape = this.#play.querySelector("path");
    if (shape) mark(shape, "d", session.playing ? PAUSE : (ICONS["jp-play"] ?? ""));
    this.element.classList.toggle("jp-busy", session.busy && !session.playing);
    say(this.#epoch, whole(session.state?.epoch ?? 0));
    say(this.#within, session.state ? withinWords(session.state, session.settings) : "");
  }
}

/** How far an epoch is that was paused between two steps: so that a slow one does not look stuck. */
function withinWords({ stepsLeft, numTrain }: State, settings: Settings): string {
  const steps = Math.ceil(numTrain / settings.batch_size);
  return stepsLeft > 0 ? `+ ${percent((steps - stepsLeft) / steps)} of the steps` : "";
}

const ICONS: Record<string, string> = {
  "jp-play": "M8 5.5v13l11 -6.5z",
  "jp-step": "M6 6v12l8.5 -6zM16 6h2.6v12h-2.6z",
  "jp-reset": "M12 5V1.8L7.2 6.4L12 11V7.6a4.9 4.9 0 1 1 -4.9 4.9H4.5A7.5 7.5 0 1 0 12 5z",
};
const PAUSE = "M7 5.5h3.6v13H7zM13.4 5.5H17v13h-3.6z";

function icon(path: string): SVGSVGElement {
  return draw("svg", { viewBox: "0 0 24 24", "aria-hidden": "true" }, draw("path", { d: path }));
}

function button(kind: string, label: string, key: string, act: () => void): HTMLButtonElement {
  const made = make(
    "button",
    {
      type: "button",
      class: `jp-round ${kind}`,
      "aria-label": label,
      title: key ? `${label} (${key})` : label,
    },
    icon(ICONS[kind] ?? ""),
  );
  made.addEventListener("click", act);
  return made;
}

function textButton(label: string, act: () => void): HTMLButtonElement {
  const made = make("button", { type: "button", class: "jp-small" }, label);
  made.addEventListener("click", act);
  return made;
}

function paceChoice(choose: (pace: Pace) => void): HTMLElement {
  const id = freshId("pace");
  const select = make("select", { id });
  for (const [value, label] of [
    ["auto", "auto"],
    ["1", "1"],
    ["5", "5"],
    ["20", "20"],
    ["50", "50"],
  ] as const)
    select.append(make("option", { value }, label));
  select.addEventListener("change", () => choose(select.value === "auto" ? "auto" : Number(select.value)));
  return make("p", { class: "jp-pace" }, make("label", { for: id }, "Epochs a step "), select);
}

const SIGNS: Record<string, string> = { good: "✓", bad: "!", open: "…" };

/** The verdict while it trains; spoken only when training rests. */
export class VerdictLine {
  readonly element: HTMLElement;
  readonly #sign = make("span", { class: "jp-sign", "aria-hidden": "true" });
  readonly #state = make("strong", {});
  readonly #sentence = make("span", {});
  readonly #cause = make("span", { class: "jp-cause" });
  readonly #claim = make("a", { target: "_blank" }); // beside the playground, which goes on
  readonly #about = make("span", {}, " (", this.#claim, ")");
  readonly #spoken = make("span", { role: "status", class: "jp-unseen" });

  constructor() {
    this.element = make(
      "div",
      { class: "jp-verdict" },
      this.#sign,
      make("p", {}, this.#state, " ", this.#cause, this.#about, " ", this.#sentence),
      this.#spoken,
    );
  }

  show(state: State, isResting: boolean): void {
    const { tone, title, sentence } = judged(state);
    this.element.classList.remove("good", "bad", "open");
    this.element.classList.add(tone);
    say(this.#sign, SIGNS[tone] ?? "");
    say(this.#state, title);
    say(this.#sentence, sentence);
    const cause = state.diverged ? null : state.cause;
    sayWithCode(this.#cause, cause?.sentence ?? "");
    this.#about.hidden = !cause;
    if (cause) {
      say(this.#claim, `Claim ${cause.claim}`);
      mark(this.#claim, "href", `/claims#${cause.claim}`);
    }
    if (isResting)
      say(
        this.#spoken,
        [`Epoch ${state.epoch}.`, title, cause?.sentence.replaceAll("`", ""), sentence]
          .filter(Boolean)
          .join(" "),
      );
  }
}

type Tone = "good" | "bad" | "open";

const TONES: Record<string, Tone> = {
  just_right: "good",
  overfitting: "bad",
  underfitting: "bad",
};

interface Judged {
  tone: Tone;
  title: string;
  sentence: string;
}

function judged(state: State): Judged {
  const { verdict } = state;
  if (state.diverged)
    return {
      tone: "bad",
      title: "Diverged.",
      sentence:
        "The loss of this network is no number any more: a lower learning rate or smaller first weights help.",
    };
  if (state.epoch === 0 && state.stepsLeft > 0)
    return {
      tone: "open",
      title: "In its first epoch.",
      sentence: "The pictures are of the weights as they are now; losses and a verdict come when it is done.",
    };
  if (state.epoch === 0)
    return {
      tone: "open",
      title: "Not trained yet.",
      sentence: "This is what the first weights answer. Press play, then move λ and dropout.",
    };
  if (!verdict) return { tone: "open", title: "No verdict yet.", sentence: "It needs a few more epochs." };
  const tone = TONES[verdict.state] ?? "open";
  return { tone, title: verdict.sentence, sentence: verdict.reasons?.[0] ?? "" };
}

/** What the server refused: the contract, what it found, the way out, and a button. */
export class RefusalBox {
  readonly element = make("div", { class: "jp-refusal", role: "alert" });
  readonly #retry: () => void;

  constructor(retry: () => void) {
    this.#retry = retry;
    this.clear();
  }

  show(refusal: Refusal): void {
    this.element.hidden = false;
    const words = [refusal.found ? `Found ${refusal.found}.` : "", refusal.wayOut].filter(Boolean).join(" ");
    this.element.replaceChildren(
      make("p", {}, make("strong", {}, refusal.message), " ", words),
      textButton(refusal.status === 404 ? "Start again with these settings" : "Try again", this.#retry),
    );
  }

  clear(): void {
    this.element.hidden = true;
    this.element.replaceChildren();
  }
}
