// What is sent to the lab's server and what comes back; its refusals as sentences.
import type { Grid, Num } from "../data";

export type Map8 = number[][]; // rows from low to high y, values 0–255

export interface Settings {
  data: string;
  noise: number;
  num_train: number;
  seed: number;
  depth: number;
  width: number;
  activation: string;
  init: string;
  learning_rate: number;
  optimizer: string;
  batch_size: number;
  dropout_layers: "all" | number[];
}

export interface DataSet {
  name: string;
  label: string;
  x?: string;
  y?: string;
}

export interface Options {
  data: DataSet[];
  activation: string[];
  init: string[];
  optimizer: string[];
  l2: number[];
  dropout: number[];
  ranges: Partial<Record<keyof Settings, [number, number]>>;
  defaults: Settings;
}

export interface Curves {
  epochs: number[];
  train: Num[];
  trainSe: Num[];
  validation: Num[];
  validationSe: Num[];
}

export interface LayerUnits {
  layer: number; // hidden layer, from 1
  indices: number[]; // which units of it, from 1
  scale: Num[]; // the largest absolute activation of each on the plane
  maps: Map8[];
}

export interface Verdict {
  state: string;
  probability: Num;
  sentence: string;
  reasons?: string[];
}

/** Why it does not learn, and the claim that is about it. */
export interface Cause {
  sentence: string;
  claim: string;
}

export interface Plane {
  xLow: number;
  xHigh: number;
  yLow: number;
  yHigh: number;
  xName?: string;
  yName?: string;
  x: number[];
  y: number[];
  target: number[];
  validation: boolean[];
  classes?: string[];
  notes?: string[];
}

export interface State {
  epoch: number;
  stepsLeft: number; // of an epoch that is paused between two steps; 0 between epochs
  numTrain: number; // a table may have fewer than was asked for
  l2: number;
  dropout: number;
  diverged: boolean;
  curves: Curves;
  grid: { train: Grid; validation: Grid };
  surface: Map8;
  units: LayerUnits[];
  weights: (Num[][] | null)[];
  forward: Num[];
  backward: Num[];
  dead: Num[];
  moves: { forward: string; backward: string }; // in words, over the whole depth
  verdict: Verdict | null;
  cause: Cause | null;
  plane?: Plane;
}

export interface Run {
  id: string;
  settings: Settings;
  state: State;
}

/** Which of the networks that train together is looked at: indices into the axes. */
export interface Cell {
  l2: number;
  dropout: number;
}

/** What the server refused, or that it is gone, in words for the reader. */
export class Refusal extends Error {
  readonly status: number;
  readonly found: string;
  readonly wayOut: string;

  constructor(status: number, contract: string, found: string, wayOut: string) {
    super(contract);
    this.status = status;
    this.found = found;
    this.wayOut = wayOut;
  }
}

const GONE = new Refusal(
  0,
  "The lab's server does not answer.",
  "",
  "Was it ended in the terminal? Start it again with `justfit lab --serve` and open the address that it prints.",
);

async function ask<T>(path: string, signal: AbortSignal, body?: unknown): Promise<T> {
  const request: RequestInit = { credentials: "same-origin", signal };
  if (body !== undefined) {
    request.method = "POST";
    request.headers = { "Content-Type": "application/json" };
    request.body = JSON.stringify(body);
  }
  const response = await fetch(path, request).catch((failure: unknown) => {
    throw signal.aborted ? failure : GONE;
  });
  const answer: unknown = await response.json().catch(() => null);
  if (!response.ok) throw refusal(response.status, answer);
  return answer as T;
}

function refusal(status: number, answer: unknown): Refusal {
  const said = (answer ?? {}) as Record<string, unknown>;
  const words = (key: string) => (typeof said[key] === "string" ? (said[key] as string) : "");
  return new Refusal(
    status,
    words("error") || `The lab's server refused (${status}).`,
    words("found"),
    words("way_out") || "Wait a moment, then try again.",
  );
}

export function fetchOptions(signal: AbortSignal): Promise<Options> {
  return ask("/api/options", signal);
}

export function startRun(settings: Settings, cell: Cell, signal: AbortSignal): Promise<Run> {
  return ask(`/api/runs?l2=${cell.l2}&dropout=${cell.dropout}`, signal, settings);
}

export function advanceRun(id: string, epochs: number, cell: Cell, signal: AbortSignal): Promise<State> {
  return ask(`/api/runs/${encodeURIComponent(id)}/advance`, signal, { epochs, ...cell });
}

export function fetchState(id: string, cell: Cell, signal: AbortSignal): Promise<State> {
  return ask(`/api/runs/${encodeURIComponent(id)}?l2=${cell.l2}&dropout=${cell.dropout}`, signal);
}
