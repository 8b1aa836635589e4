from __future__ import annotations

import struct
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from atlas.errors import AtlasError
from atlas.models.weights import check_state_dict, read_weights, state_digest


def state() -> dict[str, torch.Tensor]:
    return {
        "conv.weight": torch.arange(24, dtype=torch.float32).reshape(2, 3, 2, 2),
        "conv.bias": torch.tensor([0.5, -1.0], dtype=torch.float16),
        "steps": torch.tensor(7),
    }


def assert_same(read: dict[str, torch.Tensor]) -> None:
    expected = state()
    assert set(read) == set(expected)
    for name, value in expected.items():
        assert read[name].dtype == value.dtype
        assert torch.equal(read[name], value)


@pytest.mark.parametrize("suffix", [".safetensors", ".pth", ".bin"])
def test_safetensors_are_read_whatever_the_suffix(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"weights{suffix}"
    save_file(state(), path)
    assert_same(read_weights(path))


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "before torch 1.6"])
@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
def test_torch_files_are_read_whatever_the_suffix(tmp_path: Path, suffix: str, zipped: bool) -> None:
    path = tmp_path / f"weights{suffix}"
    torch.save(state(), path, _use_new_zipfile_serialization=zipped)
    assert_same(read_weights(str(path)))


def test_a_modules_state_dict_comes_back_without_gradients(tmp_path: Path) -> None:
    module = torch.nn.Linear(3, 2)
    torch.save(dict(module.named_parameters()), tmp_path / "linear.pth")
    read = read_weights(tmp_path / "linear.pth")
    assert not any(value.requires_grad for value in read.values())
    torch.save(module.state_dict(), tmp_path / "linear.pth")
    module.load_state_dict(read_weights(tmp_path / "linear.pth"))


class Spy:
    touched: Path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return Path.touch, (self.touched,)


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(tmp_path: Path) -> None:
    Spy.touched = tmp_path / "ran"
    torch.save({"weight": torch.zeros(1), "spy": Spy()}, tmp_path / "spy.pth")
    with pytest.raises(AtlasError, match=r"spy\.pth is damaged, or holds more than tensors"):
        read_weights(tmp_path / "spy.pth")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "content",
    [
        [torch.zeros(1)],
        {},
        {"state_dict": {"weight": torch.zeros(1)}, "epoch": 3},
        {"weight": torch.zeros(1), "epoch": 3},
        {0: torch.zeros(1)},
        torch.zeros(1),
    ],
    ids=["list", "empty", "checkpoint", "number", "no names", "tensor"],
)
def test_what_is_no_plain_state_dict_is_refused_with_the_remedy(tmp_path: Path, content: object) -> None:
    torch.save(content, tmp_path / "weights.pth")
    with pytest.raises(AtlasError, match=r"not a plain state dict.*torch\.save\(module\.state_dict\(\), path\)"):
        read_weights(tmp_path / "weights.pth")


def test_a_whole_module_is_refused(tmp_path: Path) -> None:
    torch.save(torch.nn.Linear(2, 2), tmp_path / "module.pth")
    with pytest.raises(AtlasError, match=r"write it anew with torch\.save"):
        read_weights(tmp_path / "module.pth")


def write(kind: str, path: Path) -> None:
    if kind == "safetensors":
        save_file(state(), path)
    else:
        torch.save(state(), path, _use_new_zipfile_serialization=kind == "zip")


@pytest.mark.parametrize("kind", ["safetensors", "zip", "legacy"])
@pytest.mark.parametrize("part", [0.0, 0.3, 0.6, 0.95])
def test_a_truncated_file_is_refused_by_name(tmp_path: Path, kind: str, part: float) -> None:
    path = tmp_path / "weights.pth"
    write(kind, path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    with pytest.raises(AtlasError, match=r"Weights file .*weights\.pth is damaged"):
        read_weights(path)


@settings(max_examples=60, deadline=None)
@given(
    content=st.one_of(
        st.binary(max_size=40),
        st.binary(max_size=40).map(lambda tail: b"PK\x03\x04" + tail),
        st.binary(max_size=40).map(lambda tail: b"\x80\x02" + tail),
        st.binary(max_size=40).map(lambda tail: struct.pack("<Q", len(tail) + 1) + b"{" + tail),
    )
)
def test_no_bytes_make_the_reader_fail_in_another_way(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.pth"
    path.write_bytes(content)
    with pytest.raises(AtlasError, match=r"noise\.pth") as refusal:
        read_weights(path)
    assert "\n" not in str(refusal.value)


def test_a_safetensors_header_longer_than_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "huge.safetensors").write_bytes(struct.pack("<Q", (1 << 32) - 1) + b"{}")
    with pytest.raises(AtlasError, match="is damaged"):
        read_weights(tmp_path / "huge.safetensors")


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    with pytest.raises(AtlasError, match=r"nowhere\.pth does not exist"):
        read_weights(tmp_path / "nowhere.pth")
    with pytest.raises(AtlasError, match="is a folder"):
        read_weights(tmp_path)


def test_weights_that_fit_pass_the_check() -> None:
    check_state_dict(state(), {name: value.shape for name, value in state().items()}, "weights.pth")


def test_what_does_not_fit_is_counted_and_named() -> None:
    expected = {name: value.shape for name, value in state().items()}
    expected["conv.bias"] = torch.Size([3])
    expected |= {f"head{number}": torch.Size([1]) for number in range(5)}
    with pytest.raises(AtlasError) as refusal:
        check_state_dict(state() | {"extra": torch.zeros(1)}, expected, "weights.pth")
    message = str(refusal.value)
    assert message.startswith("weights.pth does not fit the network: ")
    assert "5 missing (head0, head1, head2, …)" in message
    assert "1 unexpected (extra)" in message
    assert "1 of another shape (conv.bias: (2,), needed (3,))" in message
    assert "\n" not in message


def test_the_digest_ignores_order_and_memory_layout_alone() -> None:
    reference = state_digest(state())
    turned = dict(reversed(state().items()))
    turned["conv.weight"] = turned["conv.weight"].to(memory_format=torch.channels_last)
    assert state_digest(turned) == reference
    changed = [
        state() | {"steps": torch.tensor(8)},
        state() | {"steps": torch.tensor([7])},
        state() | {"steps": torch.tensor(7, dtype=torch.int32)},
        state() | {"conv.bias": torch.tensor([0.5, -1.0], dtype=torch.bfloat16)},
        state() | {"none": torch.zeros(0)},
        {name.upper(): value for name, value in state().items()},
    ]
    assert len({reference, *map(state_digest, changed)}) == 7
