// The model of an anywidget, and one for a page without a kernel, where the data stand in the page.

/** What the module needs of an anywidget model. */
export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(name: string, handler: () => void): void;
  off(name: string, handler: () => void): void;
}

/** Hold values and tell of changes, as a kernel would. */
export function staticModel(values: Record<string, unknown>): Model {
  const held = new Map(Object.entries(values));
  const handlers = new Map<string, Set<() => void>>();
  return {
    get: (name) => held.get(name),
    set(name, value) {
      held.set(name, value);
      for (const handler of [...(handlers.get(`change:${name}`) ?? [])]) handler();
    },
    save_changes() {},
    on(name, handler) {
      handlers.set(name, (handlers.get(name) ?? new Set()).add(handler));
    },
    off(name, handler) {
      handlers.get(name)?.delete(handler);
    },
  };
}
