// State in the part of the address after #, so that a link or a reload shows the same. Anchors like #jf-path go on
// working: what is no list of settings is left alone.

/** The settings in the address; empty where it holds an anchor or nothing. */
export function readHash(): URLSearchParams {
  const text = globalThis.location?.hash.slice(1) ?? "";
  return new URLSearchParams(text.includes("=") ? text : "");
}

/** Change some settings of the address, without a new entry in the history; undefined removes one. */
export function writeHash(changes: Record<string, string | undefined>): void {
  const settings = readHash();
  for (const [name, value] of Object.entries(changes)) {
    if (value === undefined) settings.delete(name);
    else settings.set(name, value);
  }
  const text = settings.toString();
  try {
    const { pathname, search } = location;
    history.replaceState(history.state, "", text ? `#${text}` : `${pathname}${search}`);
  } catch {
    // A page inside a frame without an address of its own has none to change; the view works all the same.
  }
}
