"""The sample videos hold what their script draws."""

from __future__ import annotations

import numpy as np

from mixup_cli.fields.target import Target
from mixup_cli.sources import SourceOptions, open_source
from mixup_cli.sources.clips.sampling import Sampling
from sample_data.make_clips import CLIPS, HEIGHT, WIDTH
from tests.cli.test_sample_data import SAMPLE_DATA


def test_frames_are_those_that_were_drawn() -> None:
    source = open_source([SAMPLE_DATA / "clips"], SourceOptions(frames=8))
    form = source.survey().array_form
    assert form is not None
    target = Target(form.sized((HEIGHT, WIDTH)))
    clips = np.zeros((len(source), *target.form.shape), np.uint8)
    assert [one.problem for one in source.load(0, len(source), target, clips)] == [None] * len(CLIPS)
    assert list(source.keys) == [name for name, *_ in CLIPS]
    for clip, (name, _, count, draw, colours) in zip(clips, CLIPS, strict=True):
        for number, frame in zip(Sampling(8, 2).chosen(count)[0].tolist(), clip, strict=True):
            drawn = np.asarray(draw(number / count, colours)).astype(int)
            assert np.abs(frame - drawn).mean() < 8, (name, number)
    assert source.labels.class_names == ("falling", "passing", "turning")
