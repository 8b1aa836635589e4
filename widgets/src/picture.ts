/** When to draw, and what: the level to show, its fade, movement and rest. */
import { worldPx } from "./camera";
import { type Palette, readPalette } from "./colour";
import type { Context } from "./context";
import type { Levels } from "./levels";
import { CrossFade, chooseLevel } from "./lod";
import { type Overlay, REST_AFTER, Renderer } from "./renderer";
import type { Sheets } from "./sheets";
import { reducedMotion } from "./theme";

const FADE_MS = 200;
/** Device pixels that a canvas may have: beyond it, sharper costs more than it shows. */
const MOST_PIXELS = 9e6;

export class Picture {
  palette: Palette;
  private readonly renderer: Renderer;
  private readonly fade = new CrossFade(FADE_MS);
  private fadeLayer = "";
  private frame = 0;
  /** Whether a frame is being drawn: what it asks for itself is counted at its end. */
  private drawing = false;
  private moved = Number.NEGATIVE_INFINITY;
  private rest: ReturnType<typeof setTimeout> | undefined;

  /** Throws where the browser has no 2d canvas. */
  constructor(
    private readonly context: Context,
    canvas: HTMLCanvasElement,
    sheets: Sheets,
    private readonly levels: Levels,
    private readonly overlay: Overlay,
    /** Called after every frame. */
    private readonly drawn: (palette: Palette) => void,
  ) {
    this.renderer = new Renderer(canvas, sheets, (grid) => void levels.overlook(grid));
    this.palette = readPalette(context.root);
    context.signal.addEventListener("abort", () => {
      cancelAnimationFrame(this.frame);
      clearTimeout(this.rest);
      this.renderer.close();
    });
  }

  /** Draw at the next frame; until then the picture is not that of the state. */
  redraw(): void {
    if (this.context.signal.aborted) return;
    if (!this.drawing) this.ready(false);
    this.frame ||= requestAnimationFrame(this.draw);
  }

  private ready(ready: boolean): void {
    const { dataset } = this.context.root;
    if (dataset.aaReady !== String(ready)) dataset.aaReady = String(ready);
  }

  /** Draw now: a canvas that was resized is blank. */
  now(): void {
    cancelAnimationFrame(this.frame);
    this.draw(performance.now());
  }

  /** The camera moves: what is drawn may be less sharp for a moment. */
  moving(): void {
    this.moved = performance.now();
  }

  rethemed(): void {
    const palette = readPalette(this.context.root);
    // Hosts touch the attributes that say the theme for many other reasons.
    if (JSON.stringify(palette) === JSON.stringify(this.palette)) return;
    this.palette = palette;
    // Tiles hold the background, in cells and around them.
    this.renderer.tiles.close();
    this.redraw();
  }

  /** Paint the cell of a row again. */
  refresh(grid: Parameters<Renderer["tiles"]["refresh"]>[0], row: number): void {
    this.renderer.tiles.refresh(grid, row);
    this.redraw();
  }

  private readonly draw = (now: number): void => {
    this.frame = 0;
    this.drawing = true;
    const { context, levels, fade } = this;
    const { store, root } = context;
    const { camera, level, shown } = store.state;
    const layer = context.layer();
    const view = context.view();
    const sizes = layer.levels.map((one) => one.size);
    const known = sizes.includes(shown) ? shown : 0;
    const wanted = sizes.includes(level) ? level : chooseLevel(sizes, worldPx(camera, view), known);
    if (wanted !== shown) store.set({ shown: wanted });
    const grid = levels.get(layer, wanted);
    if (this.fadeLayer !== layer.name) {
      this.fadeLayer = layer.name;
      fade.shown = fade.previous = 0;
    }
    if (grid) fade.show(wanted, now, reducedMotion());
    const stand = grid ? fade.previous : fade.shown;
    const below = stand ? levels.get(layer, stand) : null;
    const resting = now - this.moved >= REST_AFTER;
    const most = Math.sqrt(MOST_PIXELS / (view.width * view.height));
    const { more, complete } = this.renderer.draw(
      now,
      {
        camera,
        view,
        ratio: Math.max(1, Math.min(devicePixelRatio || 1, most)),
        palette: this.palette,
        grid: grid ?? below,
        below: grid ? below : null,
        opacity: grid ? fade.opacity(now) : 1,
        resting,
      },
      this.overlay,
    );
    if (more) this.redraw();
    if (!resting) {
      clearTimeout(this.rest);
      this.rest = setTimeout(() => this.redraw(), REST_AFTER + 8);
    }
    this.drawing = false;
    if (root.dataset.aaLevel !== String(wanted)) root.dataset.aaLevel = String(wanted);
    // Nothing moves, loads, or waits for another frame: not the camera, not icons, names or the heat map.
    const still = resting && !this.frame && !context.flying();
    this.ready(still && complete && grid !== null && !levels.awaited(grid));
    this.drawn(this.palette);
  };
}
