from __future__ import annotations

import torch
from torch import nn

from atlas.models import InceptionV1
from atlas.training import fold, with_batch_norm
from atlas.training.batch_norm import restart_statistics


def lived_in(network: nn.Module, seed: int) -> nn.Module:
    """The network with statistics, scales and shifts as after a training."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            assert module.running_mean is not None
            assert module.running_var is not None
            for tensor, low, high in (
                (module.running_mean, -1.0, 1.0),
                (module.running_var, 0.3, 3.0),
                (module.weight.data, -1.5, 1.5),
                (module.bias.data, -0.5, 0.5),
            ):
                tensor.copy_(torch.rand(tensor.shape, generator=generator, dtype=tensor.dtype) * (high - low) + low)
        if isinstance(module, nn.Linear):
            module.weight.data.normal_(generator=generator)
    return network.eval()


def test_logits_before_and_after_folding_agree_in_float64() -> None:
    trained = lived_in(with_batch_norm(InceptionV1(n_classes=7), input_scale=1 / 58).double(), 1)
    folded = fold(trained)
    images = torch.rand((3, 3, 64, 64), generator=torch.Generator().manual_seed(2), dtype=torch.float64) * 255 - 117
    with torch.no_grad():
        before, after = trained(images), folded(images)
    assert before.abs().max() > 0.1
    torch.testing.assert_close(after, before, rtol=1e-10, atol=1e-10)


def test_what_is_folded_is_exactly_the_products_network() -> None:
    folded = fold(with_batch_norm(InceptionV1(n_classes=7)))
    plain = InceptionV1(n_classes=7)
    assert {k: v.shape for k, v in folded.state_dict().items()} == {k: v.shape for k, v in plain.state_dict().items()}
    plain.load_state_dict(folded.state_dict())


def test_the_network_given_stays_as_it_is(plain: nn.Module) -> None:
    before = {name: value.clone() for name, value in plain.state_dict().items()}
    trained = with_batch_norm(plain)
    trained(torch.rand(4, 3, 32, 32))
    fold(trained)
    after = plain.state_dict()
    assert list(after) == list(before)
    assert all(torch.equal(after[name], value) for name, value in before.items())


def test_restarted_statistics_are_the_plain_average_over_the_batches(plain: nn.Module) -> None:
    trained = with_batch_norm(plain)
    trained.train()
    batches = torch.rand((3, 8, 3, 32, 32), generator=torch.Generator().manual_seed(4))
    trained(batches[0] * 100)
    restart_statistics(trained)
    with torch.no_grad():
        for batch in batches:
            trained(batch)
        responses = torch.stack([trained.get_submodule("first").get_submodule("conv")(batch) for batch in batches])
    mean = trained.get_submodule("first").get_submodule("bn").running_mean
    torch.testing.assert_close(mean, responses.mean((1, 3, 4)).mean(0))
