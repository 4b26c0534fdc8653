"""The totals that `make test` ends with are those of pytest's own summary lines."""

import pytest

from tests.__main__ import FOLDERS, FolderRun, main


@pytest.mark.parametrize(
    ("summary", "passed", "failed", "skipped"),
    [
        ("12 passed in 3.20s", 12, 0, 0),
        ("1 failed, 12 passed, 3 skipped in 61.20s (0:01:01)", 12, 1, 3),
        ("2 failed, 1 passed, 1 error in 0.10s", 1, 3, 0),
        ("4 passed, 2 errors, 1 warning in 0.10s", 4, 2, 0),
        ("no tests ran in 0.01s", 0, 0, 0),
    ],
)
def test_an_error_counts_as_a_failure_and_a_warning_does_not(
    summary: str, passed: int, failed: int, skipped: int
) -> None:
    counts = FolderRun("unit", seconds=1, exit_code=0, summary=summary).counts
    assert (counts["passed"], counts["failed"], counts["skipped"]) == (passed, failed, skipped)


def test_a_folder_that_does_not_exist_is_named_and_refused(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments in (["unit", "unti"], ["--but", "unti"]):
        assert main(arguments) == 2
        printed = capsys.readouterr().out
        assert "unti" in printed
        assert all(folder in printed for folder in FOLDERS)


def test_a_folder_that_ran_elsewhere_can_be_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []

    def passed(folder: str) -> FolderRun:
        ran.append(folder)
        return FolderRun(folder, 1, 0, "1 passed in 1.00s")

    monkeypatch.setattr("tests.__main__.run_folder", passed)
    assert main(["--but", "unit"]) == 0
    assert ran == [folder for folder in FOLDERS if folder != "unit"]
