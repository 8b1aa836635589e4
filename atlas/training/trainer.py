"""The training loop: steps, moving average, checkpoints; nothing of files but the checkpoint."""

from __future__ import annotations

import copy
import json
import time
from typing import TYPE_CHECKING, Any

import numpy as np
import safetensors.torch
import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from atlas.errors import AtlasError
from atlas.models import InceptionV1
from atlas.models.weights import state_digest
from atlas.training.batch_norm import fold, restart_statistics, with_batch_norm
from atlas.training.photographs import random_crops, whole
from atlas.training.schedule import image_size, learning_rate
from atlas.writing import new_file

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from atlas.training.photographs import Photographs
    from atlas.training.settings import TrainSettings

#: InceptionV1 takes ``x * 255 - 117``; divided by about the deviation of natural images while training.
MEAN, DEVIATION = 117.0, 58.0
#: Photographs from which the running statistics of the averaged weights are taken anew.
_STATISTICS = 6_000
#: Side of the images that `TrainSettings.adversarial_radius` speaks of.
_RADIUS_SIZE = 96
#: Settings that a training may be gone on with changed: the rest of the schedule is another then.
_MAY_CHANGE = ("epochs", "learning_rate")


class Trainer:
    """Trains one network on photographs in memory.

    Parameters
    ----------
    photographs : Photographs
        What to train on.
    settings : TrainSettings
        How.
    network : torch.nn.Module, optional
        In its plain form, taking ``x * 255 - 117``; by default InceptionV1 with as many outputs as there are classes.
        Its weights are drawn anew.
    start : mapping of str to Tensor, optional
        State dict of the network with batch normalisation (`Trainer.network`) to begin with instead.
    device : str or torch.device
        Where to compute.

    Attributes
    ----------
    network, average : torch.nn.Module
        With batch normalisation: as it is trained, and its moving average.
    steps : int
        Steps done.
    done : float
        Share of the training that is done.
    curve : list of dict
        One record every hundredth of the training: share done, step, image size, loss, learning rate.
    seconds : float
        Time spent in steps, over all calls.
    whole : bool
        False while a step is under way, and after one that failed: then there is nothing to keep.
    epochs_asked : list of float
        `TrainSettings.epochs` of this call and of those that it goes on from.
    """

    def __init__(
        self,
        photographs: Photographs,
        settings: TrainSettings,
        *,
        network: nn.Module | None = None,
        start: Mapping[str, Tensor] | None = None,
        device: str | torch.device = "cpu",
    ) -> None:
        if len(photographs) < settings.batch_size:
            raise AtlasError(
                f"There are {len(photographs)} photographs, fewer than one batch of {settings.batch_size}; give more, "
                "or a smaller batch_size."
            )
        self.settings = settings
        self.device = torch.device(device)
        self.photographs = photographs.near(self.device)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(settings.seed)
            plain = network or InceptionV1(n_classes=len(photographs.labels))
            trained = with_batch_norm(plain, input_scale=1 / DEVIATION)
        if start is not None:
            trained.load_state_dict(start)
        self.network = trained.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.average = copy.deepcopy(self.network).requires_grad_(requires_grad=False)
        decayed = [p for p in self.network.parameters() if p.ndim > 1]
        others = [p for p in self.network.parameters() if p.ndim <= 1]
        groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": others, "weight_decay": 0.0}]
        self._optimiser = torch.optim.SGD(groups, lr=0.0, momentum=settings.momentum, nesterov=settings.momentum > 0)
        self._run: Callable[[Tensor], Tensor] = torch.compile(self.network) if settings.compile else self.network
        self.steps, self.done, self.seconds, self.whole = 0, 0.0, 0.0, True
        self.start = None if start is None else state_digest(start)
        self.epochs_asked = [settings.epochs]
        self.curve: list[dict[str, Any]] = []
        self._recent: list[float] = []

    @property
    def total_steps(self) -> int:
        """Steps of a whole training with these settings."""
        return max(1, round(self.settings.epochs * len(self.photographs) / self.settings.batch_size))

    def step(self) -> float:
        """One step; returns its loss."""
        begun, self.whole = time.perf_counter(), False
        settings = self.settings
        size, rate = image_size(self.done, settings), learning_rate(self.done, settings)
        for group in self._optimiser.param_groups:
            group["lr"] = rate
        rows = self._rows()
        generator = torch.Generator(self.device).manual_seed(self._seed(1))
        pixels = self.photographs.pixels[rows].to(self.device)
        images = random_crops(pixels, size, settings.least_crop, generator) - MEAN
        images = images.contiguous(memory_format=torch.channels_last)
        classes = self.photographs.classes[rows].to(self.device)
        self.network.train()
        if settings.adversarial_radius:
            images = self._perturbed(images, classes)
        loss = self._loss(images, classes)
        value = float(loss.detach())
        if not np.isfinite(value):
            raise AtlasError(
                f"The loss is {value} after {self.steps:,} steps; go on, from the checkpoint before it, with a smaller "
                "learning rate."
            )
        self._optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        self._optimiser.step()
        self._average()
        self._note(value, size, rate)
        self.seconds += time.perf_counter() - begun
        self.whole = True
        return value

    def _loss(self, images: Tensor, classes: Tensor) -> Tensor:
        with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.settings.half_precision):
            logits = self._run(images)
        return F.cross_entropy(logits.float(), classes, label_smoothing=self.settings.label_smoothing)

    def _perturbed(self, images: Tensor, classes: Tensor) -> Tensor:
        """Images moved, each by the radius, in the direction in which its loss rises fastest."""
        images = images.requires_grad_()
        (gradient,) = torch.autograd.grad(self._loss(images, classes), images)
        length = gradient.flatten(1).norm(dim=1).clamp(min=1e-20)[:, None, None, None]
        radius = self.settings.adversarial_radius * 255 * images.shape[-1] / _RADIUS_SIZE
        moved: Tensor = images + radius * gradient / length
        return moved.detach()

    def _rows(self) -> Tensor:
        per_epoch = len(self.photographs) // self.settings.batch_size
        epoch, place = divmod(self.steps, per_epoch)
        order = np.random.Generator(np.random.Philox(np.random.SeedSequence([self.settings.seed, 0, epoch])))
        # A permutation a step: three milliseconds for 100,000 photographs, and nothing to carry over a restart.
        rows = order.permutation(len(self.photographs))[place * self.settings.batch_size :][: self.settings.batch_size]
        return torch.from_numpy(rows).to(self.photographs.pixels.device)

    def _seed(self, purpose: int) -> int:
        return int(
            np.random.SeedSequence([self.settings.seed, purpose, self.steps]).generate_state(1, np.uint64)[0] >> 1
        )

    @torch.no_grad()
    def _average(self) -> None:
        # Early on the average follows quickly, or it would remember the random start.
        keep = min(self.settings.ema_decay, (1 + self.steps) / (10 + self.steps))
        for mean, value in zip(self.average.state_dict().values(), self.network.state_dict().values(), strict=True):
            if mean.is_floating_point():
                mean.lerp_(value, 1 - keep)
            else:
                mean.copy_(value)

    def _note(self, loss: float, size: int, rate: float) -> None:
        before = int(self.done * 100 + 1e-6)
        self.steps += 1
        # Snaps to the end: a sum of rounded shares would now and then leave a step too many.
        self.done += 1 / self.total_steps
        if self.done > 1 - 0.5 / self.total_steps:
            self.done = 1.0
        self._recent.append(loss)
        if int(self.done * 100 + 1e-6) > before or self.done == 1.0:
            mean = float(np.mean(self._recent))
            self.curve.append(
                {"done": round(self.done, 4), "step": self.steps, "size": size, "loss": round(mean, 4), "rate": rate}
            )
            self._recent = []

    @torch.no_grad()
    def finished(self) -> nn.Module:
        """The averaged network in its plain form, with running statistics taken anew at the evaluation size.

        The statistics come from whole photographs as the network will see them, not from the enlarged random crops of
        the training (Touvron et al., 2019).
        """
        network = copy.deepcopy(self.average)
        restart_statistics(network)
        network.train()
        order = np.random.Generator(np.random.Philox(np.random.SeedSequence([self.settings.seed, 2])))
        rows = torch.from_numpy(order.permutation(len(self.photographs))[:_STATISTICS])
        # Whole batches only: the average counts each alike, and one photograph has no variance.
        whole_batches = rows[: max(1, len(rows) // self.settings.batch_size) * self.settings.batch_size]
        for batch in torch.split(whole_batches.to(self.photographs.pixels.device), self.settings.batch_size):
            images = whole(self.photographs.pixels[batch].to(self.device), self.settings.evaluation_size) - MEAN
            with torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.settings.half_precision):
                network(images.contiguous(memory_format=torch.channels_last))
        return fold(network).requires_grad_(requires_grad=False)

    def save(self, path: Path) -> None:
        """Write everything that going on needs, at once: a reader sees the old checkpoint or the new one."""
        tensors = {f"network.{name}": value for name, value in self.network.state_dict().items()}
        tensors |= {f"average.{name}": value for name, value in self.average.state_dict().items()}
        for name, parameter in self.network.named_parameters():
            buffer = self._optimiser.state.get(parameter, {}).get("momentum_buffer")
            if buffer is not None:
                tensors[f"momentum.{name}"] = buffer
        state = {
            "settings": self.settings.provenance(),
            "photographs": self.photographs.digest,
            "start": self.start,
            "epochs_asked": self.epochs_asked,
            "steps": self.steps,
            "done": self.done,
            "seconds": self.seconds,
            "curve": self.curve,
            "recent": self._recent,
        }
        contiguous = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        with new_file(path) as part:
            safetensors.torch.save_file(contiguous, part, metadata={"training": json.dumps(state)})

    def load(self, path: Path) -> None:
        """Go on from a checkpoint.

        Raises
        ------
        AtlasError
            It is damaged, or of a training with another network, start, photographs or settings (`epochs` and
            `learning_rate` may differ).
        """
        damaged = f"{path} is no checkpoint of a training, or damaged; delete it to begin anew."
        parts: dict[str, dict[str, Tensor]] = {"network": {}, "average": {}, "momentum": {}}
        try:
            with safe_open(path, framework="pt") as file:
                state = json.loads(file.metadata()["training"])
            for name, value in safetensors.torch.load_file(path).items():
                part, _, rest = name.partition(".")
                parts[part][rest] = value
            mine = self.settings.provenance() | {"photographs": self.photographs.digest, "start": self.start}
            theirs = dict(state["settings"]) | {name: state[name] for name in ("photographs", "start")}
            steps, done, seconds = int(state["steps"]), float(state["done"]), float(state["seconds"])
            curve, recent, asked = list(state["curve"]), list(state["recent"]), list(state["epochs_asked"])
        except (SafetensorError, OSError, KeyError, TypeError, ValueError) as error:
            raise AtlasError(damaged) from error
        other = [name for name in mine if name not in _MAY_CHANGE and theirs.get(name) != mine[name]]
        if other:
            raise AtlasError(f"{path} is of a training with other {', '.join(other)}; delete it to begin anew.")
        try:
            self.network.load_state_dict(parts["network"])
            self.average.load_state_dict(parts["average"])
        except RuntimeError as error:
            raise AtlasError(f"{path} is of a training of another network; delete it to begin anew.") from error
        for name, parameter in self.network.named_parameters():
            if name in parts["momentum"]:
                buffer = parts["momentum"][name].to(parameter.device)
                self._optimiser.state[parameter]["momentum_buffer"] = torch.empty_like(parameter).copy_(buffer)
        self.steps, self.done, self.seconds, self.curve, self._recent = steps, done, seconds, curve, recent
        self.epochs_asked = [*asked, *self.epochs_asked]
