"""What a step costs in multiplications, and what the machine could do."""

from __future__ import annotations

import threading
import time

import torch

from atlas.models.inception import MIXED_WIDTHS, POOLED_AFTER, out_channels
from atlas.render.trunk.pooling import pooled_side
from atlas.render.trunk.window import window_of

_SIDE, _GPU_SIDE, _REPEATS = 1024, 8192, 12


def flops(layer: str, size: int) -> int:
    """Floating-point operations of one step of one icon: convolutions, forward and to the input, a product being two.

    What counts is what is computed: of a view the part that the centre sees, of the target's block its centre. The
    padding that makes the first convolution fast and everything that is no convolution do not count.
    """
    side = window_of(layer, size).side // 2
    products = side**2 * 64 * 3 * 49
    side = pooled_side(side)
    products += side**2 * 64 * (64 + 192 * 9)
    side, channels = pooled_side(side), 192
    for block, (one, inner3, three, inner5, five, pool) in MIXED_WIDTHS.items():
        if block == layer:
            near, far = (min(side, 1 + 2 * radius) ** 2 for radius in (1, 2))
            products += (
                channels * (one + pool + near * inner3 + far * inner5) + near * inner3 * three + far * inner5 * five
            )
            break
        products += side**2 * (channels * (one + inner3 + inner5 + pool) + 9 * inner3 * three + 25 * inner5 * five)
        channels = out_channels(block)
        if block in POOLED_AFTER:
            side = pooled_side(side)
    return 2 * 2 * products


def matrix_rate(dtype: torch.dtype, device: torch.device) -> float:
    """Operations a second of products of matrices, the best of several; of a processor, one on each thread at once."""
    return _gpu_rate(dtype, device) if device.type == "cuda" else _processor_rate(dtype, torch.get_num_threads())


def _gpu_rate(dtype: torch.dtype, device: torch.device) -> float:
    a, b = (torch.randn(_GPU_SIDE, _GPU_SIDE, device=device).to(dtype) for _ in range(2))
    rates = []
    for _ in range(4):
        torch.cuda.synchronize(device)
        begun = time.perf_counter()
        for _ in range(_REPEATS):
            a @ b
        torch.cuda.synchronize(device)
        rates.append(_REPEATS * 2 * _GPU_SIDE**3 / (time.perf_counter() - begun))
    return max(rates)


def _processor_rate(dtype: torch.dtype, threads: int) -> float:
    rates = []
    for _ in range(3):
        spent: list[float] = []
        gate = threading.Barrier(threads)

        def multiply(gate: threading.Barrier = gate, spent: list[float] = spent) -> None:
            torch.set_num_threads(1)
            a, b = (torch.randn(_SIDE, _SIDE).to(dtype) for _ in range(2))
            a @ b
            gate.wait()
            begun = time.perf_counter()
            for _ in range(_REPEATS):
                a @ b
            spent.append(time.perf_counter() - begun)

        crew = [threading.Thread(target=multiply) for _ in range(threads)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
        rates.append(threads * _REPEATS * 2 * _SIDE**3 / max(spent))
    torch.set_num_threads(threads)
    return max(rates)
