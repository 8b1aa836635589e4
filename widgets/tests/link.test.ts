import { describe, expect, it, vi } from "vitest";
import { attachLink } from "../src/link";
import { Store } from "../src/store";
import type { Camera } from "../src/types";

const there: Camera = [0.2, 0.3, 7];

describe("linked views", () => {
  const open = (link: string, layer = "mixed4c") => {
    const store = new Store({ link, layer });
    const ending = new AbortController();
    attachLink(store, ending.signal);
    return { store, ending };
  };

  it("move together, and only with those of their link", () => {
    const [a, b, other, alone] = [open("one"), open("one"), open("two"), open("")];
    a.store.set({ camera: there, class_name: "wok" });
    expect(b.store.state).toMatchObject({ camera: there, class_name: "wok" });
    expect(other.store.state.camera).toEqual([0.5, 0.5, 1]);
    expect(alone.store.state.camera).toEqual([0.5, 0.5, 1]);
    for (const view of [a, b, other, alone]) view.ending.abort();
  });

  it("share cells when they show the same layer", () => {
    const [a, b, other] = [open("x"), open("x"), open("x", "mixed5b")];
    a.store.set({ hovered: "40/3", selection: ["40/3"] });
    expect(b.store.state.hovered).toBe("40/3");
    expect(other.store.state.selection).toEqual([]);
    for (const view of [a, b, other]) view.ending.abort();
  });

  it("take the place of the others when they join them", () => {
    const a = open("late");
    const place = { camera: there, level: 40, class_name: "wok" };
    a.store.set({ ...place, selection: ["40/3"] });
    const [b, other] = [open(""), open("", "mixed5b")];
    for (const late of [b, other]) late.store.set({ link: "late" });
    expect(b.store.state).toMatchObject({ ...place, selection: ["40/3"] });
    expect(other.store.state).toMatchObject({ ...place, selection: [] });
    expect(a.store.state).toMatchObject({ ...place, selection: ["40/3"] });
    for (const view of [a, b, other]) view.ending.abort();
  });

  it("follow views of other pages of the same link", async () => {
    const a = open("afar");
    const elsewhere = new BroadcastChannel("activation-atlas afar");
    const heard: unknown[] = [];
    elsewhere.onmessage = ({ data }) => heard.push(data);
    elsewhere.postMessage({ layer: "mixed5b", patch: { camera: there, selection: ["40/3"] } });
    await vi.waitFor(() => expect(a.store.state.camera).toEqual(there));
    expect(a.store.state.selection).toEqual([]);
    a.store.set({ class_name: "wok" });
    await vi.waitFor(() => expect(heard).toMatchObject([{ layer: "mixed4c", patch: { class_name: "wok" } }]));
    elsewhere.close();
    a.ending.abort();
  });

  it("part when one is closed", () => {
    const [a, b] = [open("gone"), open("gone")];
    b.ending.abort();
    a.store.set({ camera: there });
    expect(b.store.state.camera).toEqual([0.5, 0.5, 1]);
    a.ending.abort();
  });
});
