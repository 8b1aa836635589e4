/** The names of a comparison's axes, beside the picture: small panels, which are added to those that there are. */
import { toScreen, worldPx } from "./camera";
import type { Context } from "./context";
import { type Box, shortName } from "./labels";
import type { Scene } from "./renderer";
import type { Words } from "./words";

export const axes = (
  context: CanvasRenderingContext2D,
  host: Context,
  scene: Scene,
  words: Words,
  panels: Box[],
): void => {
  const names = host.header().axes;
  if (!names) return;
  const { camera, view, palette } = scene;
  const side = worldPx(camera, view);
  const [left, top] = toScreen(camera, view, 0, 0);
  const middle = left + side / 2;
  context.strokeStyle = palette.quiet;
  context.lineWidth = 1;
  context.setLineDash([3, 4]);
  context.beginPath();
  context.moveTo(middle, Math.max(0, top));
  context.lineTo(middle, Math.min(view.height, top + side));
  context.stroke();
  context.setLineDash([]);
  /** Write beside a place, always on the screen and beside the panels there: away from the side that it stands at. */
  const write = (text: string, x: number, y: number, [alongX, alongY]: readonly [number, number]): void => {
    const { canvas, width, height } = words.get(text, scene.ratio, palette);
    let at = Math.max(12, Math.min(view.width - width - 12, x - (width * (1 - alongX)) / 2));
    let line = Math.max(12, Math.min(view.height - height - 12, y - (height * (1 - alongY)) / 2));
    for (const [l, t, r, b] of panels) {
      if (at > r + 8 || at + width < l - 8 || line > b + 8 || line + height < t - 8) continue;
      if (alongY) line = b + 8;
      else at = alongX > 0 ? l - width - 8 : r + 8;
    }
    context.drawImage(canvas, at, line, width, height);
    panels.push([at, line, at + width, line + height]);
  };
  write(`← ${shortName(names.left)}`, left - 10, top + side / 2, [-1, 0]);
  write(`${shortName(names.right)} →`, left + side + 10, top + side / 2, [1, 0]);
  if (names.vertical) write(`↕ ${names.vertical}`, middle, top - 8, [0, -1]);
};
