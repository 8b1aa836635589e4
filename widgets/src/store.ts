/** State of one view, and who hears of its changes. */
import { DEFAULT_OPTIONS, type Traits } from "./types";

export interface State extends Traits {
  /** Grid on the screen: `level`, or the one chosen automatically. */
  shown: number;
  /** Row of the cell under the keyboard cursor as an id; "" while there is none. */
  cursor: string;
  /** Cell whose card stays; "" is none. */
  pinned: string;
  /** Whether the view has the focus, so that the wheel is its own. */
  focused: boolean;
  /** Whether dragging draws a lasso. */
  lasso: boolean;
}

export const INITIAL: State = {
  layer: "",
  level: 0,
  camera: [0.5, 0.5, 1],
  class_name: "",
  selection: [],
  hovered: "",
  options: DEFAULT_OPTIONS,
  link: "",
  shown: 0,
  cursor: "",
  pinned: "",
  focused: false,
  lasso: false,
};

/** What goes with a change to another layer: the same numbers are other cells there. */
const OTHER_CELLS: Partial<State> = { selection: [], hovered: "", pinned: "", cursor: "" };

/** What goes with a change to another class: bounds on the attribution to the last one mean nothing for it. */
const otherClass = ({ options }: Readonly<State>): Partial<State> => ({
  options: { ...options, filters: { ...options.filters, attribution: null } },
});

export type Changed = ReadonlySet<keyof State>;
type Listener = (changed: Changed) => void;

const same = (a: unknown, b: unknown): boolean =>
  a === b || (typeof a === "object" && JSON.stringify(a) === JSON.stringify(b));

export class Store {
  private current: State;
  private readonly listeners = new Set<Listener>();

  constructor(initial: Partial<State>) {
    this.current = { ...INITIAL, ...initial };
  }

  get state(): Readonly<State> {
    return this.current;
  }

  /** Change some of the state, and what goes with it unless it is given too; listeners hear of what is really different. */
  set(given: Partial<State>): void {
    const { layer, class_name } = this.current;
    const patch = {
      ...((given.layer ?? layer) === layer ? {} : OTHER_CELLS),
      ...((given.class_name ?? class_name) === class_name ? {} : otherClass(this.current)),
      ...given,
    };
    const changed = new Set<keyof State>();
    for (const name of Object.keys(patch) as (keyof State)[]) {
      if (!same(this.current[name], patch[name])) changed.add(name);
    }
    if (!changed.size) return;
    this.current = { ...this.current, ...patch };
    for (const listener of [...this.listeners]) listener(changed);
  }

  on(listener: Listener, signal: AbortSignal): void {
    this.listeners.add(listener);
    signal.addEventListener("abort", () => this.listeners.delete(listener));
  }
}
