/** Bundle the viewer into atlas/widgets/static/, and refuse a bundle over the size budget. */
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { build, context } from "esbuild";
import { minify } from "terser";

const BUDGET = 40 * 1024; // bytes gzipped, script and styles together: design.md's budget for the viewer
// Not `pathname`, which writes a space or an umlaut of a folder as %20 or %C3%BC.
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const OUT = here("../atlas/widgets/static/");
const PART = `${OUT}.part/`;

const options = {
  entryPoints: { viewer: "src/index.ts" },
  bundle: true,
  format: "esm",
  target: "es2022",
  charset: "utf8",
  legalComments: "none",
  minify: true,
  alias: Object.fromEntries(
    ["selection", "transition", "interpolate", "dispatch", "drag"].map((name) => [
      `d3-${name}`,
      "./src/d3-small.ts",
    ]),
  ),
  outdir: PART,
  absWorkingDir: here("."),
};

if (process.argv.includes("--watch")) {
  const watching = await context({ ...options, outdir: OUT, minify: false, sourcemap: "inline" });
  await watching.watch();
} else {
  await mkdir(OUT, { recursive: true });
  // Whatever goes wrong from here on leaves no bundle at all: a stale one must never ship.
  for (const name of ["viewer.js", "viewer.css"]) await rm(OUT + name, { force: true });
  await build(options);
  // Once more: 1.5 KB less than esbuild alone leaves.
  const script = `${PART}viewer.js`;
  const compress = { ecma: 2022, passes: 3 };
  const { code } = await minify(await readFile(script, "utf8"), { module: true, compress });
  await writeFile(script, code);
  let total = 0;
  for (const name of ["viewer.js", "viewer.css"]) {
    const bytes = gzipSync(await readFile(PART + name), { level: 9 }).length;
    total += bytes;
    process.stdout.write(`${name}: ${(bytes / 1024).toFixed(1)} KB gzipped\n`);
  }
  if (total > BUDGET) {
    await rm(PART, { recursive: true });
    throw new Error(`the viewer takes ${total} bytes gzipped; its budget is ${BUDGET}`);
  }
  for (const name of ["viewer.js", "viewer.css"]) await rename(PART + name, OUT + name);
  await rm(PART, { recursive: true });
  process.stdout.write(`together ${(total / 1024).toFixed(1)} of ${BUDGET / 1024} KB\n`);
}
