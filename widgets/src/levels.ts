/** The grids of an atlas: their cells when they are wanted, styled as the options say. */

import type { Cells } from "./cells";
import type { Grid } from "./paint";
import { Pushed } from "./pushed";
import type { Pictures } from "./recent";
import { type Source, sentence } from "./source";
import { styleCells } from "./style";
import type { LayerInfo, LevelInfo, Options } from "./types";

/** Milliseconds before what could not be had is asked for again. */
const RETRY_AFTER = 4000;

interface Entry {
  grid: Grid | null;
  info: LevelInfo;
  /** What the header said of the level, last and as text. */
  heard: LevelInfo;
  given: string;
  failed: number;
  /** Attribution of the cells to `attributed`; null until it is there. */
  attribution: Float32Array | null;
  attributed: number;
  /** When that attribution was refused; never, while it is awaited or here. */
  refused: number;
  /** Whether the sheets are written and fetched: icons that are pushed are of no more use. */
  settled: boolean;
  styled: string;
  /** Whether its overview has been asked for. */
  overlooked: boolean;
}

const NEVER = Number.NEGATIVE_INFINITY;

let versions = 0;

/** Whether something that failed at `when` is due to be tried again. */
const over = (when: number): boolean => when !== NEVER && performance.now() - when > RETRY_AFTER;

export interface LevelsHost {
  changed(): void;
  failed(sentence: string): void;
  /** Told of a grid whose cells have come. */
  loaded(layer: string, size: number): void;
  /** Told of a level whose sheets have taken the place of the icons that were pushed. */
  settled(layer: string, size: number): void;
  /** Told of a row whose pushed icon can be drawn, sharper than before. */
  sharpened(grid: Grid, row: number): void;
}

export class Levels {
  private readonly id = ++versions;
  private readonly entries = new Map<string, Entry>();
  private options: Options;
  private classIndex = -1;
  private stamp = "";

  constructor(
    private readonly source: Source,
    private readonly pictures: Pictures,
    options: Options,
    private readonly host: LevelsHost,
  ) {
    this.options = options;
  }

  /** The grid if its cells are here; otherwise they are asked for. */
  get(layer: LayerInfo, size: number): Grid | null {
    const info = layer.levels.find((level) => level.size === size);
    if (!info) return null;
    const key = `${layer.name}/${size}`;
    let entry = this.entries.get(key);
    const given = entry?.heard === info ? entry.given : JSON.stringify(info);
    if (entry) entry.heard = info;
    if (entry && entry.given !== given) {
      entry.given = given;
      // The level has been built further: its cells are asked for again, the old ones stand in.
      if (entry.info.cells !== info.cells) {
        this.close(entry);
        entry = undefined;
      } else {
        if (!info.icons) entry.settled = false;
        if (info.icons && !entry.info.icons) void this.settle(layer.name, entry);
        entry.info = info;
        if (entry.grid) entry.grid = { ...entry.grid, info, version: ++versions };
      }
    }
    if (!entry) {
      entry = {
        grid: null,
        info,
        heard: info,
        given,
        failed: NEVER,
        attribution: null,
        attributed: -1,
        refused: NEVER,
        settled: false,
        styled: "",
        overlooked: false,
      };
      this.entries.set(key, entry);
      void this.load(layer.name, entry);
    } else if (!entry.grid && over(entry.failed)) {
      entry.failed = NEVER;
      void this.load(layer.name, entry);
    }
    if (entry.grid) this.style(layer.name, entry);
    return entry.grid;
  }

  /** Attribution of a grid's cells to the class, once it is here. */
  attribution(grid: Grid): Float32Array | null {
    const entry = this.entries.get(`${grid.layer}/${grid.info.size}`);
    return entry && entry.attributed === this.classIndex ? entry.attribution : null;
  }

  /** Whether the attribution of a grid's cells to the class is on its way. */
  awaited(grid: Grid): boolean {
    const entry = this.entries.get(`${grid.layer}/${grid.info.size}`);
    return this.classIndex >= 0 && !!entry && !entry.attribution && entry.refused === NEVER;
  }

  /** Style every grid anew from now on; `classIndex` -1 is no heat map. */
  restyle(options: Options, classIndex: number): void {
    this.options = options;
    this.classIndex = classIndex;
    this.stamp = JSON.stringify([
      options.density,
      options.density_strength,
      options.filters,
      options.mode,
      classIndex,
    ]);
  }

  /** Cells of a level that were sent unasked, perhaps again with more in them, take the place of those here. */
  replace(layer: string, size: number, cells: Cells): void {
    const entry = this.entries.get(`${layer}/${size}`);
    if (!entry?.grid || entry.grid.cells === cells) return;
    if (entry.grid.cells.n !== cells.n) entry.grid.live.clear();
    entry.grid = { ...entry.grid, cells, style: styleCells(cells, this.options, null), version: ++versions };
    entry.attribution = null;
    entry.attributed = -1;
    entry.styled = "";
    this.host.changed();
  }

  /** Take an icon of a level that is being rendered. */
  live(layer: string, size: number, row: number, icon: Blob): void {
    const entry = this.entries.get(`${layer}/${size}`);
    const grid = entry?.grid;
    if (!grid || entry.settled || row >= grid.cells.n) return;
    grid.live.put(row, icon);
    this.host.sharpened(grid, row);
  }

  closeAll(): void {
    for (const entry of this.entries.values()) this.close(entry);
    this.entries.clear();
  }

  private close(entry: Entry): void {
    if (!entry.grid) return;
    entry.grid.live.clear();
    this.pictures.remove(this.overviewOf(entry.grid));
  }

  /** An overview's name among all pictures. */
  private overviewOf({ layer, info }: Grid): string {
    return `${this.id} ${layer}/${info.size}`;
  }

  /** The level's sheets are written: once they can be had, the icons that were pushed are let go. */
  private async settle(layer: string, entry: Entry): Promise<void> {
    try {
      await this.source.sheet(layer, entry.info.size, 0);
    } catch {
      return; // What was pushed stays.
    }
    entry.settled = true;
    if (entry.grid) {
      entry.grid.live.clear();
      entry.grid.version = ++versions;
    }
    this.host.settled(layer, entry.info.size);
    this.host.changed();
  }

  /** Get the grid's overview, if it has one and it is not on its way; where it fails the sheets do. */
  async overlook(of: Grid): Promise<void> {
    const {
      layer,
      info: { size },
    } = of;
    const entry = this.entries.get(`${layer}/${size}`);
    const name = this.overviewOf(of);
    // What is looked at is let go last.
    if (this.pictures.get(name) || !entry?.grid || entry.overlooked || !entry.info.overview_px) return;
    entry.overlooked = true;
    try {
      const bitmap = await createImageBitmap(await this.source.overview(layer, size));
      if (this.entries.get(`${layer}/${size}`) !== entry) return bitmap.close();
      const gone = (): void => {
        entry.overlooked = false;
        if (entry.grid) entry.grid.overview = null;
      };
      this.pictures.keep(name, { bitmap, gone });
      entry.grid.overview = bitmap;
    } catch {
      const { overview_px, ...info } = entry.info;
      entry.info = entry.grid.info = info;
    }
    this.host.changed();
  }

  private async load(layer: string, entry: Entry): Promise<void> {
    try {
      const cells = await this.source.cells(layer, entry.info.size);
      const style = styleCells(cells, this.options, null);
      entry.grid = {
        layer,
        info: entry.info,
        cells,
        style,
        live: new Pushed(
          this.pictures,
          `${layer}/${entry.info.size}`,
          (row) => entry.grid && this.host.sharpened(entry.grid, row),
        ),
        overview: null,
        version: ++versions,
      };
      this.host.loaded(layer, entry.info.size);
    } catch (error) {
      entry.failed = performance.now();
      this.host.failed(sentence(error));
      this.again();
    }
    this.host.changed();
  }

  private style(layer: string, entry: Entry): void {
    if (entry.attributed !== this.classIndex || over(entry.refused)) {
      entry.attributed = this.classIndex;
      entry.attribution = null;
      entry.refused = NEVER;
      if (this.classIndex >= 0) void this.attribute(layer, entry, this.classIndex);
    }
    const stamp = `${this.stamp} ${entry.attribution !== null}`;
    if (entry.styled === stamp || !entry.grid) return;
    // Until the attributions are here the picture stays as it is, and its legend names the class it shows.
    if (this.classIndex >= 0 && !entry.attribution && entry.refused === NEVER && entry.styled) return;
    entry.styled = stamp;
    entry.grid.style = styleCells(entry.grid.cells, this.options, entry.attribution, this.classIndex);
    entry.grid.version = ++versions;
  }

  private async attribute(layer: string, entry: Entry, classIndex: number): Promise<void> {
    try {
      const values = await this.source.attribution(layer, entry.info.size, classIndex);
      if (entry.attributed === classIndex) entry.attribution = values;
    } catch (error) {
      if (entry.attributed !== classIndex) return;
      entry.refused = performance.now();
      this.host.failed(sentence(error));
      this.again();
    }
    this.host.changed();
  }

  /** A picture that rests would not ask again by itself. */
  private again(): void {
    setTimeout(this.host.changed, RETRY_AFTER + 1);
  }
}
