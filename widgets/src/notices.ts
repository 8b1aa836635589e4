/** Sentences in the view: what failed, what is under way, how the wheel is had. */
import { glyph, h, number } from "./dom";
import { GLYPHS } from "./glyphs";

/** Sentences shown at once. */
const MOST = 3;

export interface Progress {
  stage: string;
  done: number;
  total: number;
  seconds_left: number | null;
}

/** "2 min 5 s", as a person says it. */
export const duration = (seconds: number): string => {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
};

export interface Notices {
  elements: HTMLElement[];
  fail(text: string): void;
  /** The same of something nobody asked for just now: not said again to who dismissed it. */
  nag(text: string): void;
  /** Take a failure back that is over. */
  over(text: string): void;
  say(text: string): void;
  hint(text: string): void;
  progress(progress: Progress | null): void;
}

export const makeNotices = (): Notices => {
  const live = h("div", { class: "aa-sr", "aria-live": "polite", "aria-atomic": "true" });
  const failures = h("div", { class: "aa-failures", role: "alert" });
  const hint = h("div", { class: "aa-hint", "aria-hidden": "true" });
  const bar = h("i", {});
  const words = h("span", {});
  const progress = h(
    "div",
    { class: "aa-progress aa-panel", role: "status", hidden: true },
    words,
    h("b", {}, bar),
  );
  const shown = new Map<string, HTMLElement>();
  const dismissed = new Set<string>();
  let hiding: ReturnType<typeof setTimeout> | undefined;

  const over = (text: string): void => {
    shown.get(text)?.remove();
    shown.delete(text);
    dismissed.delete(text);
  };
  const fail = (text: string): void => {
    if (shown.has(text)) return;
    const oldest = shown.keys().next().value;
    if (shown.size >= MOST && oldest !== undefined) over(oldest);
    const dismiss = (): void => {
      over(text);
      dismissed.add(text);
    };
    const close = h(
      "button",
      { type: "button", class: "aa-icon-button", "aria-label": "Dismiss", onclick: dismiss },
      glyph(GLYPHS.close),
    );
    const notice = h("div", { class: "aa-failure aa-panel" }, h("span", {}, text), close);
    shown.set(text, notice);
    failures.append(notice);
  };
  return {
    elements: [failures, progress, hint, live],
    over,
    fail,
    nag: (text) => {
      if (!dismissed.has(text)) fail(text);
    },
    say: (text) => {
      live.textContent = text;
    },
    hint: (text) => {
      hint.textContent = text;
      hint.classList.add("aa-visible");
      clearTimeout(hiding);
      hiding = setTimeout(() => hint.classList.remove("aa-visible"), 1600);
    },
    progress: (now) => {
      progress.hidden = !now?.stage || now.done >= now.total;
      if (!now) return;
      const left =
        now.seconds_left === null || now.seconds_left === undefined
          ? ""
          : ` · ${duration(now.seconds_left)} left`;
      words.textContent = `${now.stage}: ${number(now.done)} of ${number(now.total)}${left}`;
      bar.style.width = `${(100 * now.done) / Math.max(1, now.total)}%`;
    },
  };
};
