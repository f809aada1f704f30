"""librosa 0.11.0: log-mel spectrograms of a sweep with noise, at several rates (golden/librosa.npz)."""

from __future__ import annotations

import numpy as np
import pytest

from mixup_cli.sources.sounds.log_mel import STEPS_PER_DB, Transform
from tests.oracles.recorded import recorded

GOLDEN = recorded("librosa")


@pytest.mark.parametrize("number", range(len(GOLDEN["cases"])))
def test_spectrograms_are_librosas(number: int) -> None:
    """`power_to_db(melspectrogram(…), ref=1e-10, top_db=None)`, to half a step; librosa has single precision."""
    rate, bands, window, hop = GOLDEN["cases"][number].tolist()
    wave = GOLDEN[f"wave/{number}"].astype(np.float32) * np.float32(2.0**-15)
    made = Transform(rate, bands, window, hop).of(wave)
    np.testing.assert_allclose(made, GOLDEN[f"decibels/{number}"], rtol=0, atol=0.5 / STEPS_PER_DB + 1e-3)
