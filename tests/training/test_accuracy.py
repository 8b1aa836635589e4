from __future__ import annotations

import numpy as np
import torch
from sklearn.metrics import log_loss, top_k_accuracy_score

from atlas.training import accuracy_of_logits


def test_figures_are_those_of_scikit_learn_and_of_a_plain_loop() -> None:
    generator = torch.Generator().manual_seed(0)
    classes = torch.randint(0, 12, (500,), generator=generator)
    logits = torch.randn((500, 12), generator=generator)
    logits[torch.arange(500), classes] += 1.5
    found = accuracy_of_logits(logits, classes, 96)
    probabilities = logits.double().softmax(1).numpy()
    truth = classes.numpy()
    every = list(range(12))
    assert abs(found.top1 - top_k_accuracy_score(truth, probabilities, k=1, labels=every)) < 1e-12
    assert abs(found.top5 - top_k_accuracy_score(truth, probabilities, k=5, labels=every)) < 1e-12
    assert abs(found.loss - log_loss(truth, probabilities, labels=every)) < 1e-9
    confidence, right = probabilities.max(1), probabilities.argmax(1) == truth
    gap = 0.0
    for low in range(15):
        inside = (confidence * 15 >= low) & (confidence * 15 < low + 1)
        if inside.any():
            gap += inside.mean() * abs(confidence[inside].mean() - right[inside].mean())
    assert abs(found.calibration_error - gap) < 1e-12
    assert abs(found.confidence - confidence.mean()) < 1e-12


def test_a_network_that_always_knows_is_right_and_calibrated() -> None:
    classes = torch.arange(6) % 3
    found = accuracy_of_logits(torch.nn.functional.one_hot(classes, 3) * 100.0, classes, 32)
    assert (found.top1, found.top5, found.photographs) == (1.0, 1.0, 6)
    assert np.isclose([found.loss, found.calibration_error], 0, atol=1e-9).all()
