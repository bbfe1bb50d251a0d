// The live lab's playground: settings, network, decision surface, losses and signals of networks that train now.
import { listen, html as make } from "../dom";
import { THEME_EVENT } from "../theme";
import { fetchOptions, type Options, type Plane, Refusal, type Settings, type State } from "./api";
import { Cells } from "./cells";
import { Controls, settingsWords } from "./controls";
import { CurvesPanel, SignalPanel } from "./curves";
import { isSame, readShared, share, strayWords } from "./hash";
import { RefusalBox, Transport, VerdictLine } from "./head";
import { Network } from "./network";
import { type Palette, readPalette } from "./palette";
import { PlanePanel } from "./plane";
import style from "./playground.css";
import { Session } from "./session";
import { sameUnit, type Unit, type View, withSwitched } from "./view";
import { mark, say } from "./words";

/** Build the playground in `el`; the returned function stops and removes it. */
export function renderPlayground(el: HTMLElement): () => void {
  const before = [...el.childNodes];
  const place = make("div", { class: "jp" });
  const abort = new AbortController();
  let page: Page | undefined;
  el.replaceChildren(make("style", {}, style), place);
  const begin = () => {
    place.replaceChildren(
      make("p", { class: "jp-note", role: "status" }, "Asking the lab for its options …"),
    );
    fetchOptions(abort.signal).then(
      (options) => {
        page = new Page(place, options);
      },
      (failure: unknown) => {
        if (failure instanceof Refusal) tell(place, failure, begin);
      },
    );
  };
  begin();
  return () => {
    abort.abort();
    page?.close();
    el.replaceChildren(...before);
  };
}

function tell(place: HTMLElement, refusal: Refusal, retry: () => void): void {
  const box = new RefusalBox(retry);
  place.replaceChildren(box.element);
  box.show(refusal);
}

class Page {
  readonly #place: HTMLElement;
  readonly #options: Options;
  readonly #session: Session;
  readonly #controls: Controls;
  readonly #transport: Transport;
  readonly #verdict = new VerdictLine();
  readonly #refusal: RefusalBox;
  readonly #network: Network;
  readonly #plane: PlanePanel;
  readonly #cells: Cells;
  readonly #signal = new SignalPanel();
  readonly #curves = new CurvesPanel();
  readonly #printed = make("p", { class: "jp-printed" }); // on paper the settings are one sentence
  readonly #stray = make("p", { class: "jp-note jp-stray", role: "status" });
  readonly #undo: (() => void)[] = [];
  #palette: Palette;
  #view: View | undefined;
  #pinned: Unit | null = null;
  #hovered: Unit | null = null;

  constructor(place: HTMLElement, options: Options) {
    this.#place = place;
    this.#options = options;
    const { settings, cell } = readShared(options, { l2: 0, dropout: 0 });
    this.#sayStray();
    this.#session = new Session(settings, cell, {
      state: (state, plane) => this.#take(state, plane),
      activity: () => this.#showActivity(),
      refused: (refusal) => this.#refusal.show(refusal),
    });
    this.#refusal = new RefusalBox(() => {
      this.#restart(this.#session.settings);
    });
    this.#controls = new Controls(options, (part) => this.#change(part));
    this.#transport = new Transport({
      play: (on) => this.#session.play(on),
      step: () => this.#session.step(),
      reset: () => {
        this.#session.play(false);
        this.#restart(this.#session.settings);
      },
      pace: (pace) => {
        this.#session.pace = pace;
      },
      copy: () => navigator.clipboard.writeText(location.href),
    });
    this.#network = new Network({
      look: (unit) => this.#look(unit),
      pin: (unit) => this.#pin(unit),
      switchDropout: (layer) => this.#change({ dropout_layers: withSwitched(this.#session.settings, layer) }),
    });
    this.#plane = new PlanePanel(() => this.#draw());
    this.#cells = new Cells(options, (next) => this.#move(next));
    place.replaceChildren(...this.#layOut());
    place.classList.add("jp-empty");
    this.#palette = readPalette(place);
    this.#controls.paint(this.#palette);
    this.#controls.show(settings);
    this.#listen();
    this.#session.restart(settings);
    share(this.#session);
  }

  close(): void {
    for (const step of this.#undo) step();
    this.#session.close();
    this.#network.close();
  }

  #layOut(): HTMLElement[] {
    return [
      make(
        "div",
        { class: "jp-title" },
        make("h1", {}, "justfit ", make("span", { class: "jp-quiet" }, "playground")),
        make("a", { href: "/claims" }, "The 17 claims, measured"),
        this.#printed,
      ),
      make("div", { class: "jp-top" }, this.#transport.element, this.#verdict.element),
      this.#refusal.element,
      this.#stray,
      make(
        "div",
        { class: "jp-grid" },
        this.#controls.element,
        make("div", { class: "jp-side" }, this.#plane.element, this.#cells.element),
        make(
          "div",
          { class: "jp-middle" },
          this.#network.element,
          this.#curves.element,
          this.#signal.element,
        ),
      ),
    ];
  }

  #listen(): void {
    this.#undo.push(
      listen(document, THEME_EVENT, () => {
        this.#palette = readPalette(this.#place);
        this.#controls.paint(this.#palette);
        this.#draw();
      }),
      listen(globalThis, "hashchange", () => this.#follow()),
      listen<KeyboardEvent>(document, "keydown", (event) => this.#press(event)),
      listen(globalThis, "resize", () => this.#draw()),
    );
  }

  #press(event: KeyboardEvent): void {
    if (event.key === "Escape") {
      this.#pinned = null;
      this.#look(null);
    }
    const isFree = event.target === document.body || event.target === document.documentElement;
    if (event.key !== " " || !isFree) return;
    event.preventDefault();
    this.#session.play(!this.#session.playing);
  }

  /** The address was changed by hand or by going back. */
  #follow(): void {
    const { settings, cell } = readShared(this.#options, this.#session.cell);
    this.#sayStray();
    if (isSame(settings, this.#session.settings)) this.#move(cell);
    else {
      this.#session.cell = cell;
      this.#restart(settings);
    }
  }

  /** A place that a link names and the lab has not is not passed over in silence. */
  #sayStray(): void {
    const words = strayWords(this.#options);
    say(this.#stray, words && `${words} Another one is shown.`);
    this.#stray.hidden = !words;
  }

  #change(part: Partial<Settings>): void {
    const settings = { ...this.#session.settings, ...part };
    if (settings.dropout_layers !== "all")
      settings.dropout_layers = settings.dropout_layers.filter((layer) => layer <= settings.depth);
    this.#restart(settings);
  }

  #restart(settings: Settings): void {
    this.#refusal.clear();
    this.#pinned = null;
    this.#hovered = null;
    this.#controls.show(settings);
    this.#session.restart(settings);
    share(this.#session);
  }

  #move(cell: { l2: number; dropout: number }): void {
    this.#session.look(cell);
    share(this.#session);
    if (this.#view) this.#cells.show({ ...this.#view, cell });
  }

  #look(unit: Unit | null): void {
    if (sameUnit(unit, this.#hovered)) return;
    this.#hovered = unit;
    this.#draw();
  }

  #pin(unit: Unit): void {
    this.#pinned = sameUnit(unit, this.#pinned) ? null : unit;
    this.#hovered = this.#pinned;
    this.#draw();
  }

  #take(state: State, plane: Plane): void {
    const { settings, cell } = this.#session;
    this.#controls.show(settings);
    this.#place.classList.remove("jp-empty");
    this.#view = {
      options: this.#options,
      settings,
      cell,
      state,
      plane,
      palette: this.#palette,
      looked: null,
    };
    this.#draw();
    this.#showActivity();
  }

  #draw(): void {
    if (!this.#view) return;
    this.#view = {
      ...this.#view,
      cell: this.#session.cell,
      palette: this.#palette,
      looked: this.#hovered ?? this.#pinned,
    };
    for (const panel of [this.#network, this.#plane, this.#cells, this.#signal, this.#curves])
      panel.show(this.#view);
    say(this.#printed, settingsWords(this.#view));
  }

  #showActivity(): void {
    this.#transport.show(this.#session);
    const { state, playing, busy } = this.#session;
    mark(this.#place, "aria-busy", String(busy));
    if (state) this.#verdict.show(state, !playing && !busy);
  }
}
