"""Seeding for code that draws from the global random generators: lucent's, and what people hand in."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


@contextmanager
def seeded_globals(stream: Sequence[int]) -> Iterator[None]:
    """Within, the global generators of torch and NumPy start from `stream`; afterwards they are as they were."""
    number = int(np.random.SeedSequence(stream).generate_state(1)[0])
    state = np.random.get_state()  # noqa: NPY002 - the global generator is what the code within draws from
    with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
        torch.manual_seed(number)
        np.random.seed(number)  # noqa: NPY002
        try:
            yield
        finally:
            np.random.set_state(state)  # noqa: NPY002
