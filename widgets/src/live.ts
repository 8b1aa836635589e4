/** What a kernel pushes while it computes, held for views that open later. */
import type { Progress } from "./notices";
import type { Kernel, Push } from "./source-kernel";
import type { Camera } from "./types";

export interface LiveView {
  progress(progress: Progress | null): void;
  icon(layer: string, level: number, row: number, icon: Blob): void;
  fly(camera: Camera, seconds: number | undefined): void;
}

export class Live {
  private progress: Progress | null = null;
  /** Latest icon of every row, by level. */
  private readonly icons = new Map<string, { layer: string; level: number; rows: Map<number, Blob> }>();
  private readonly views = new Set<LiveView>();

  constructor(kernel: Kernel, signal: AbortSignal) {
    kernel.listen(this.receive, signal);
    signal.addEventListener("abort", () => {
      this.views.clear();
      this.icons.clear();
    });
  }

  attach(view: LiveView, signal: AbortSignal): void {
    this.views.add(view);
    signal.addEventListener("abort", () => this.views.delete(view));
    view.progress(this.progress);
  }

  /** Icons of a level that came before its cells did. */
  replay(layer: string, level: number, view: LiveView): void {
    for (const [row, icon] of this.icons.get(`${layer}/${level}`)?.rows ?? [])
      view.icon(layer, level, row, icon);
  }

  /** Let the icons of a level go: its sheets are written. */
  finished(layer: string, level: number): void {
    this.icons.delete(`${layer}/${level}`);
  }

  private readonly receive: Push = (message, buffers) => {
    if (message.kind === "progress") {
      this.progress = message as unknown as Progress;
      for (const view of this.views) view.progress(this.progress);
    } else if (message.kind === "icons") {
      const { layer, level, rows } = message as unknown as { layer: string; level: number; rows: number[] };
      const key = `${layer}/${level}`;
      if (!this.icons.has(key)) this.icons.set(key, { layer, level, rows: new Map() });
      rows.forEach((row, i) => {
        const data = buffers[i];
        if (!data) return;
        const icon = new Blob([data as ArrayBuffer], { type: "image/webp" });
        this.icons.get(key)!.rows.set(row, icon);
        for (const view of this.views) view.icon(layer, level, row, icon);
      });
    } else if (message.kind === "fly") {
      const { camera, seconds } = message as unknown as { camera: Camera; seconds?: number };
      for (const view of this.views) view.fly(camera, seconds);
    }
  };
}
