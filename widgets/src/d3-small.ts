/**
 * What d3-zoom asks of its sister modules, for the one element that the viewer has.
 *
 * The build puts this in their place: whole they take 14 KB gzipped, a third of the viewer's budget, for joins,
 * transitions and colours that it never uses. Names and behaviour are those of d3-selection 3 and d3-dispatch 3.
 */

type Listener = (this: EventTarget, event: Event, datum?: undefined) => void;

interface Kept {
  type: string;
  name: string;
  value: Listener;
  listener: EventListener;
  options: AddEventListenerOptions | boolean | undefined;
}

const kept = new WeakMap<EventTarget, Kept[]>();

class Selection {
  constructor(private readonly nodes: readonly EventTarget[]) {}

  property(name: string, value: unknown): this {
    for (const node of this.nodes) {
      const given = typeof value === "function" ? value.call(node) : value;
      (node as unknown as Record<string, unknown>)[name] = given;
    }
    return this;
  }

  style(name: string, value: string): this {
    for (const node of this.nodes) (node as HTMLElement).style.setProperty(name, value);
    return this;
  }

  filter(match: (this: EventTarget) => boolean): Selection {
    return new Selection(this.nodes.filter((node) => match.call(node)));
  }

  each(callback: (this: EventTarget) => void): this {
    for (const node of this.nodes) callback.call(node);
    return this;
  }

  call<T extends unknown[]>(callback: (selection: Selection, ...rest: T) => void, ...rest: T): this {
    callback(this, ...rest);
    return this;
  }

  interrupt(): this {
    return this;
  }

  datum(): undefined {
    return undefined;
  }

  /** Listen under names such as "wheel.zoom"; null stops; without a listener, gives the one there is. */
  on(names: string, value?: Listener | null, options?: AddEventListenerOptions | boolean): unknown {
    for (const node of this.nodes) {
      const list = kept.get(node) ?? [];
      kept.set(node, list);
      for (const full of names.trim().split(/\s+/)) {
        const [type = "", name = ""] = full.split(".");
        const same = (one: Kept): boolean => one.name === name && (!type || one.type === type);
        if (value === undefined) return list.find(same)?.value;
        for (const one of list.filter(same)) {
          node.removeEventListener(one.type, one.listener, one.options);
          list.splice(list.indexOf(one), 1);
        }
        if (!value) continue;
        const listener = (event: Event): void => value.call(node, event);
        node.addEventListener(type, listener, options);
        list.push({ type, name, value, listener, options });
      }
    }
    return this;
  }
}

export const select = (node: EventTarget): Selection => new Selection([node]);

/** Where an event or a touch is, from the padding edge of a node. */
export const pointer = (event: Event | Touch, node?: Element): [number, number] => {
  let source = event as MouseEvent & { sourceEvent?: Event };
  while (source.sourceEvent) source = source.sourceEvent as typeof source;
  const at = node ?? (source.currentTarget as Element);
  const box = at.getBoundingClientRect();
  return [source.clientX - box.left - at.clientLeft, source.clientY - box.top - at.clientTop];
};

export const interrupt = (): void => {};

export const interpolateZoom = (): never => {
  throw new Error("the viewer makes no d3 transitions: see fly.ts");
};

/** Nothing of the stage can be selected or dragged away, and no listener waits for its clicks. */
export const dragDisable = (): void => {};
export const dragEnable = dragDisable;

/** Callbacks by type of event, one each. */
export const dispatch = (...types: string[]) => {
  const heard = new Map<string, (...args: unknown[]) => void>(types.map((type) => [type, () => {}]));
  const listeners = {
    on: (type: string, callback: (...args: unknown[]) => void) => {
      heard.set(type, callback);
      return listeners;
    },
    call: (type: string, that: unknown, ...args: unknown[]): void => heard.get(type)?.apply(that, args),
  };
  return listeners;
};
