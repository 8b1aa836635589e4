"""Parameter names of the two published PyTorch conversions of InceptionV1.

The product, lucent and the conversion it downloads use the names of the TensorFlow graph
(``mixed4c_3x3_bottleneck_pre_relu_conv.weight``). Captum's ``optim`` has the same network under names of its
own (``mixed4c.conv_3x3_reduce.weight``): those of its classes ``InceptionV1`` and ``InceptionModule``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from atlas.errors import AtlasError
from atlas.models.inception import HEAD, MIXED_WIDTHS, STEM_CHANNELS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

#: Branch of a mixed block in captum → in the TensorFlow graph.
_BRANCHES = {
    "conv_1x1": "1x1",
    "conv_3x3_reduce": "3x3_bottleneck",
    "conv_3x3": "3x3",
    "conv_5x5_reduce": "5x5_bottleneck",
    "conv_5x5": "5x5",
    "pool_proj": "pool_reduce",
}

#: Module in captum → in the TensorFlow graph.
_MODULES = {
    **{f"conv{number}": f"{layer}_pre_relu_conv" for number, layer in enumerate(STEM_CHANNELS, start=1)},
    **{
        f"{block}.{theirs}": f"{block}_{ours}_pre_relu_conv"
        for block in MIXED_WIDTHS
        for theirs, ours in _BRANCHES.items()
    },
    "fc": HEAD,
}

#: The two auxiliary classifiers, of use in training alone: in the TensorFlow graph, and in captum, which
#: renamed their parts once.
_AUXILIARY = {
    *(f"head{head}_bottleneck_pre_relu_conv" for head in (0, 1)),
    *(f"nn{head}_pre_relu_matmul" for head in (0, 1)),
    *(f"softmax{head}_pre_activation_matmul" for head in (0, 1)),
    *(f"aux{head}.{part}" for head in (1, 2) for part in ("conv", "fc1", "fc2")),
    *(f"aux{head}.{part}" for head in (1, 2) for part in ("loss_conv", "loss_fc", "loss_classifier")),
}

_KINDS = ("weight", "bias")


def to_lucent_names(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Put an InceptionV1 state dict under the names of the TensorFlow graph, lucent's and the product's.

    Parameters
    ----------
    state : mapping of str to Tensor
        Named as in the TensorFlow graph or as in captum. Whether parameters are missing is not looked at.

    Returns
    -------
    dict of str to Tensor
        The same tensors in the same order, without the auxiliary classifiers.

    Raises
    ------
    AtlasError
        A name that no InceptionV1 has, or a parameter that is there under both names.
    """
    to_ours = {f"{theirs}.{kind}": f"{ours}.{kind}" for theirs, ours in _MODULES.items() for kind in _KINDS}
    to_ours |= {ours: ours for ours in to_ours.values()}
    auxiliary = {f"{module}.{kind}" for module in _AUXILIARY for kind in _KINDS}
    unknown = [name for name in state if name not in to_ours and name not in auxiliary]
    if unknown:
        some = ", ".join(unknown[:3]) + (", …" if len(unknown) > 3 else "")
        raise AtlasError(
            f"These are not InceptionV1 weights: {len(unknown)} of {len(state)} names are unknown ({some}); "
            "give a state dict with lucent's or captum's names, or use wrap_model for another network."
        )
    renamed: dict[str, Tensor] = {}
    for name, value in state.items():
        if name in auxiliary:
            continue
        if to_ours[name] in renamed:
            raise AtlasError(f"{to_ours[name]} is in these weights under two names; keep one of them.")
        renamed[to_ours[name]] = value
    return renamed
