from __future__ import annotations

import dataclasses
import json
import shutil
import tracemalloc
from typing import TYPE_CHECKING, Any

import fsspec
import numpy as np
import pytest
import zarr

from atlas.activations import Activations, Encoding, LayerActivations, open_activations, write_activations
from atlas.activations.digests import digest_of_bytes
from atlas.activations.header import Header
from atlas.errors import AtlasError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LAYER = "layers/block~2f~1.conv"


@pytest.fixture
def store(made_up: Activations, tmp_path: Path) -> Path:
    write_activations(made_up, tmp_path / "made-up.acts")
    return tmp_path / "made-up.acts"


def edit(store: Path, change: Callable[[dict[str, Any]], object], file: str = "acts.json") -> None:
    value = json.loads((store / file).read_bytes())
    change(value)
    (store / file).write_text(json.dumps(value))


def same(left: Activations, right: Activations) -> None:
    assert left.layers == right.layers
    assert (left.image_ids, left.image_labels) == (right.image_ids, right.image_labels)
    for name in left.layers:
        one, other = left[name], right[name]
        assert one.map_size == other.map_size
        np.testing.assert_array_equal(one.vectors[:], other.vectors[:])
        np.testing.assert_array_equal(one.image, other.image)
        np.testing.assert_array_equal(one.position, other.position)
        assert (one.attributions is None) == (other.attributions is None)
        if one.attributions is not None and other.attributions is not None:
            np.testing.assert_array_equal(one.attributions[:], other.attributions[:])


def test_a_store_gives_back_what_was_written(made_up: Activations, store: Path) -> None:
    found = open_activations(store)
    same(found, made_up)
    assert found.provenance["note"] == "made up"
    assert found.path == store
    assert found.complete
    assert found["mixed5b"].vectors.dtype == np.float16


@pytest.mark.parametrize("encoding", ["float16", "float32", "uint8"])
def test_a_store_is_read_from_any_url(
    made_up: Activations, tmp_path: Path, encoding: Encoding, request: pytest.FixtureRequest
) -> None:
    path = tmp_path / "url.acts"
    written = write_activations(made_up, path, encoding=encoding)
    memory = fsspec.filesystem("memory")
    memory.put(f"{path.as_posix()}/", "/deep/url.acts/", recursive=True)
    request.addfinalizer(lambda: memory.rm("/deep", recursive=True))
    for url in ("memory://deep/url.acts", "memory://deep/url.acts/"):
        found = open_activations(url)
        same(found, written)
        assert found.path is None
        assert found.digest == written.digest


def test_a_file_url_is_a_path(made_up: Activations, tmp_path: Path) -> None:
    path = tmp_path / "of a file.acts"
    write_activations(made_up, path)
    for url in (path.as_uri(), f"{path.as_uri()}/", f"file://localhost{path.as_uri()[len('file://') :]}"):
        assert open_activations(url).path == path
        same(open_activations(url), made_up)


def test_one_byte_a_number_is_within_half_a_step_and_smaller(made_up: Activations, tmp_path: Path) -> None:
    small = write_activations(made_up, tmp_path / "small.acts", encoding="uint8")
    for kind in ("vectors", "attributions"):
        exact = np.asarray(getattr(made_up["block/1.conv"], kind), dtype=np.float64)
        found = np.asarray(getattr(small["block/1.conv"], kind))
        reach = exact.max(axis=0).clip(min=0) - exact.min(axis=0).clip(max=0)
        assert (np.abs(found - exact) <= reach / 508 * 1.01).all()
        assert (found[exact == 0] == 0).all()
    assert small["block/1.conv"].vectors.dtype == np.float32
    assert small.digest != made_up.digest


def test_writing_never_replaces_anything(made_up: Activations, store: Path) -> None:
    before = (store / "acts.json").read_bytes()
    with pytest.raises(AtlasError, match="exists already"):
        write_activations(made_up, store)
    assert (store / "acts.json").read_bytes() == before


def test_a_failed_write_leaves_nothing(made_up: Activations, tmp_path: Path) -> None:
    vectors = np.array([[1.0], [1e6]], dtype=np.float32)
    layer = made_up["mixed5b"].subset(slice(0, 2))
    huge = LayerActivations("huge", vectors, layer.image, layer.position, (4, 6))
    big = Activations.in_memory([huge], image_ids=made_up.image_ids)
    with pytest.raises(AtlasError, match="more than float16 holds"):
        write_activations(big, tmp_path / "big.acts")
    assert list(tmp_path.iterdir()) == []
    written = write_activations(big, tmp_path / "big.acts", encoding="float32")
    np.testing.assert_array_equal(written["huge"].vectors[:], vectors)


def test_names_and_labels_of_any_kind_survive(made_up: Activations, tmp_path: Path) -> None:
    names = ['quote".jpg', "new\nline.jpg", "bad \udcff byte.jpg", "日本.jpg", "\u2028"]
    acts = Activations.in_memory(
        [made_up["mixed5b"].subset(made_up["mixed5b"].image < 5)], image_ids=names, image_labels=names
    )
    assert write_activations(acts, tmp_path / "names.acts").image_ids == names


def test_a_store_names_neither_its_folder_nor_its_user(store: Path) -> None:
    for file in (path for path in store.rglob("*") if path.is_file()):
        assert str(store.parent).encode() not in file.read_bytes()


def test_what_is_not_a_store_is_named(tmp_path: Path) -> None:
    for missing in (tmp_path / "nowhere.acts", tmp_path, "memory://nowhere.acts"):
        with pytest.raises(AtlasError, match=r"is not an activation store: it has no acts\.json"):
            open_activations(missing)
    (tmp_path / "acts.json").write_text('{"format": "other"}')
    with pytest.raises(AtlasError, match="is not an activation store"):
        open_activations(tmp_path)


def test_a_later_version_is_refused_as_such(store: Path) -> None:
    edit(store, lambda value: value.update(schema=2, layers="of another kind"))
    with pytest.raises(AtlasError, match=r"later version \(schema 2.*update activation-atlas"):
        open_activations(store)


@pytest.mark.parametrize(
    "change",
    [
        lambda value: value["layers"][0].update(rows=131),
        lambda value: value["layers"][0].update(rows=10**15),
        lambda value: value["layers"][0].update(rows=-1),
        lambda value: value["layers"][0].update(rows="130"),
        lambda value: value["layers"][0].update(channels=6),
        lambda value: value["layers"][0].update(classes=None, channels=9),
        lambda value: value["layers"][0].update(encoding="float32"),
        lambda value: value["layers"][0].update(encoding="pickle"),
        lambda value: value["layers"][0].update(map_size=[4]),
        lambda value: value["layers"][0].update(map_size=[2, 2]),
        lambda value: value["layers"][0].update(name=".."),
        lambda value: value["layers"][0].update(name="mixed5b"),
        lambda value: value["layers"][0].pop("rows"),
        lambda value: value.update(layers=[]),
        lambda value: value.update(n_images=51),
        lambda value: value.update(images_bytes=10),
        lambda value: value["settings"].update({"from": "elsewhere"}),
        lambda value: value.pop("provenance"),
    ],
)
def test_a_header_that_does_not_fit_the_arrays_is_damage(store: Path, change: Callable[[Any], object]) -> None:
    edit(store, change)
    with pytest.raises(AtlasError, match=r"damaged|outside its"):
        open_activations(store)["block/1.conv"]


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b"[" * 100_000, b"\xff\xfe", b"null"])
@pytest.mark.parametrize("file", ["acts.json", "images.jsonl", f"{LAYER}/vectors/zarr.json"])
def test_garbage_in_place_of_a_file_is_damage(store: Path, file: str, garbage: bytes) -> None:
    (store / file).write_bytes(garbage)
    with pytest.raises(AtlasError, match=r"damaged|not an activation store"):
        open_activations(store)


@pytest.mark.parametrize(
    "line",
    [
        b"not json",
        b"7",
        b"[]",
        b"null",
        b"[" * 100_000,
        b"\xff",
        b'{"id": "a", "label": null}',
        b'{"id": 3, "label": null, "digest": ""}',
        b'{"id": "a", "label": ["b"], "digest": ""}',
        b'{"id": "a", "label": null, "digest": null}',
    ],
)
def test_a_line_that_is_no_image_is_damage_even_where_the_digest_fits(store: Path, line: bytes) -> None:
    lines = (store / "images.jsonl").read_bytes().splitlines()
    images = b"\n".join([*lines[:-1], line]) + b"\n"
    (store / "images.jsonl").write_bytes(images)
    header = Header.from_json((store / "acts.json").read_bytes(), "store")
    forged = dataclasses.replace(header, images_bytes=len(images), images_digest=digest_of_bytes(images))
    (store / "acts.json").write_bytes(forged.to_json())
    with pytest.raises(AtlasError, match=r"images\.jsonl is damaged \(.*fetch a fresh copy\.$"):
        open_activations(store)


@pytest.mark.parametrize("file", ["acts.json", "images.jsonl"])
def test_no_more_of_a_file_is_read_than_is_allowed(store: Path, made_up: Activations, file: str) -> None:
    # A file with a hole: 1 GB to whoever reads all of it, nothing on the disk.
    with (store / file).open("r+b") as stream:
        stream.truncate(1 << 30)
    tracemalloc.start()
    try:
        if file == "acts.json":
            with pytest.raises(AtlasError, match=r"acts\.json is larger than 64 MB"):
                open_activations(store)
        else:
            same(open_activations(store), made_up)
        assert tracemalloc.get_traced_memory()[1] < 200 << 20
    finally:
        tracemalloc.stop()


def test_a_length_that_the_images_do_not_have_is_damage_and_sets_no_memory_aside(store: Path) -> None:
    # The digest of the header does not cover the length.
    edit(store, lambda value: value.update(images_bytes=1 << 48))
    with pytest.raises(AtlasError, match=r"images\.jsonl is damaged"):
        open_activations(store)


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        ("vectors", lambda value: value.update(shape=[130, 10**9])),
        ("vectors", lambda value: value["chunk_grid"]["configuration"].update(chunk_shape=[10**9, 5])),
        ("vectors", lambda value: value["chunk_grid"]["configuration"].update(chunk_shape=[130, 1])),
        ("image", lambda value: value.update(shape=[129])),
        ("position", lambda value: value.update(data_type="int32")),
        ("attributions", lambda value: value.update(codecs=[{"name": "unheard-of"}])),
    ],
)
def test_an_array_header_is_not_trusted(store: Path, kind: str, change: Callable[[Any], object]) -> None:
    edit(store, change, f"{LAYER}/{kind}/zarr.json")
    with pytest.raises(AtlasError, match="damaged"):
        open_activations(store)


@pytest.mark.parametrize("kind", ["vectors", "attributions", "image", "position"])
@pytest.mark.parametrize("harm", ["flip", "cut", "empty", "remove"])
def test_a_damaged_chunk_is_noticed(store: Path, kind: str, harm: str) -> None:
    (chunk,) = (path for path in (store / LAYER / kind / "c").rglob("*") if path.is_file())
    data = bytearray(chunk.read_bytes())
    data[len(data) // 2] ^= 1
    if harm == "remove":
        chunk.unlink()
    else:
        chunk.write_bytes({"flip": bytes(data), "cut": bytes(data[:-9]), "empty": b""}[harm])
    with pytest.raises(AtlasError, match=r"damaged|lacks some of its chunks|chunks are missing"):
        np.asarray(getattr(open_activations(store)["block/1.conv"], kind))


def test_a_scale_that_is_no_number_is_damage(made_up: Activations, tmp_path: Path) -> None:
    write_activations(made_up, tmp_path / "small.acts", encoding="uint8")
    array = zarr.open_array(tmp_path / "small.acts", path=f"{LAYER}/vectors_scale", mode="r+")
    array[2] = np.nan
    with pytest.raises(AtlasError, match="damaged"):
        open_activations(tmp_path / "small.acts")


def test_a_link_out_of_the_folder_is_refused(store: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    shutil.move(store / LAYER / "vectors", outside)
    (store / LAYER / "vectors").symlink_to(outside, target_is_directory=True)
    for where in (store, store.as_uri(), f"local://{store}"):
        with pytest.raises(AtlasError, match="link that leads out"):
            open_activations(where)


def test_a_link_within_the_folder_is_followed_and_one_to_itself_is_damage(store: Path, made_up: Activations) -> None:
    (store / LAYER / "vectors").rename(store / "moved")
    (store / LAYER / "vectors").symlink_to(store / "moved", target_is_directory=True)
    same(open_activations(store), made_up)
    (store / LAYER / "vectors").unlink()
    (store / LAYER / "vectors").symlink_to("vectors")
    with pytest.raises(AtlasError, match="damaged"):
        open_activations(store)


def test_a_store_whose_folder_is_itself_a_link_opens(store: Path, tmp_path: Path, made_up: Activations) -> None:
    (tmp_path / "link.acts").symlink_to(store, target_is_directory=True)
    same(open_activations(tmp_path / "link.acts"), made_up)
