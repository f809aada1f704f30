"""benchmarks/gpu.py, with the CPU in place of the device: all but CUDA itself."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from benchmarks import gpu
from mixup_cli.choices import Device

SAMPLES = Path(__file__).parents[2] / "sample_data"
ONE_TEST = "::test_one_kernel_takes_batches_of_any_size"
TRIAL = ["--device", "cpu-torch", "--share", "0.0004", "--cifar", str(SAMPLES / "cifar-10-sample.tar.gz")]
PHOTOS = ["--photos", str(SAMPLES / "photos")]
HAS_CUDA = torch.cuda.is_available()


def test_a_trial_on_the_cpu(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    before = gpu.PAGE.read_text()
    monkeypatch.setattr(gpu, "contract", lambda device: (True, "1 passed"))
    monkeypatch.setattr(gpu, "ROUNDS", 1)
    assert gpu.main([*TRIAL, *PHOTOS, "--scratch", str(tmp_path)]) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| ")][1:]
    assert [row.split(",")[0] for row in rows] == ["| CIFAR-10"] * 2 + ["| photographs at 224"] * 2
    assert all("| equal |" in row and "| none | none |" in row for row in rows)
    assert gpu.PAGE.read_text() == before, "a trial is not a figure"
    assert not any(tmp_path.iterdir())


def test_other_bytes_are_shown_and_end_with_one(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def unlike(_case: gpu.Case, device: Device, _scratch: Path) -> tuple[float, bytes]:
        return 1.0, device.encode()

    monkeypatch.setattr(gpu, "contract", lambda device: (True, "1 passed"))
    monkeypatch.setattr(gpu, "made", unlike)
    assert gpu.main([*TRIAL, *PHOTOS]) == 1
    assert capsys.readouterr().out.count("**DIFFERENT**") == 4


def test_the_contract_runs_in_a_process_of_its_own() -> None:
    kept, said = gpu.contract("cpu-torch", f"{gpu.CONTRACT}::TestTorchOnCpu{ONE_TEST}")
    assert kept, said
    assert said.startswith("1 passed")


def test_a_contract_that_is_skipped_is_not_kept(tmp_path: Path) -> None:
    tests = tmp_path / "test_contract.py"
    tests.write_text("import pytest\nclass TestTorchOnCuda:\n    def test(self):\n        pytest.skip('no device')\n")
    kept, said = gpu.contract("cuda", str(tests))
    assert not kept
    assert said.startswith("1 skipped")


@pytest.mark.slow
@pytest.mark.skipif(HAS_CUDA, reason="the contract runs here")
def test_the_contract_itself_is_skipped_without_a_device() -> None:
    assert gpu.contract("cuda", f"{gpu.CONTRACT}::TestTorchOnCuda{ONE_TEST}")[0] is False


def test_transfers_are_a_part_of_the_devices_time() -> None:
    cpu, cuda = SimpleNamespace(name="CPU"), SimpleNamespace(name="CUDA")
    events = [
        SimpleNamespace(key="Memcpy HtoD (Pinned -> Device)", device_type=cuda, self_device_time_total=2e6),
        SimpleNamespace(key="void at::native::some_kernel", device_type=cuda, self_device_time_total=6e6),
        SimpleNamespace(key="aten::copy_", device_type=cpu, self_device_time_total=2e6),  # the call of the first
    ]
    assert gpu.device_times(events) == (2.0, 8.0)


@pytest.mark.skipif(HAS_CUDA, reason="there is a device")
def test_without_a_device_nothing_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    assert gpu.main([]) == 1
    assert "no CUDA device" in capsys.readouterr().err


def test_the_page_names_a_card_or_says_that_it_was_not_run() -> None:
    page = gpu.PAGE.read_text()
    assert page == gpu.NOT_RUN or "Made by `make bench-gpu`" in page
