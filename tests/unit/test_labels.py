from __future__ import annotations

import numpy as np

from mixup_cli.labels import dense_from_classes, dense_from_soft


def test_each_class_gets_its_parents_share() -> None:
    labels = dense_from_classes(np.array([[0, 2]], np.int32), np.array([[0.25, 0.75]], np.float32), 3)
    assert labels.tolist() == [[0.25, 0.0, 0.75]]
    assert labels.dtype == np.float32


def test_parents_of_one_class_add_up() -> None:
    shares = np.array([[1, 2, 2**24 - 3]]) / np.float32(2**24)
    labels = dense_from_classes(np.array([[1, 1, 1]], np.int32), shares.astype(np.float32), 2)
    assert labels.tolist() == [[0.0, 1.0]]


def test_one_hot_soft_labels_give_what_classes_give() -> None:
    rng = np.random.default_rng(0)
    classes = rng.integers(0, 4, (50, 3)).astype(np.int32)
    shares = (rng.multinomial(2**24, [0.5, 0.3, 0.2], 50) / 2**24).astype(np.float32)
    one_hot = np.eye(4, dtype=np.float32)[classes]
    np.testing.assert_array_equal(dense_from_soft(one_hot, shares), dense_from_classes(classes, shares, 4))


def test_soft_labels_are_averaged_by_share() -> None:
    soft = np.array([[[0.5, 0.5], [0.1, 0.9]]], np.float32)
    labels = dense_from_soft(soft, np.array([[0.75, 0.25]], np.float32))
    np.testing.assert_allclose(labels, [[0.4, 0.6]], rtol=1e-7)
