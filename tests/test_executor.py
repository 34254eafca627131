"""What an executor's process is spared between two of Spark's tasks."""

from __future__ import annotations

import importlib
import sys
import zipfile
from pathlib import Path
from zipimport import zipimporter

import pytest

from bucketline.cli.executor import _spare_next_task


def test_no_zip_is_read_again_and_what_is_in_it_is_still_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = str(tmp_path / "some.zip")
    with zipfile.ZipFile(place, "w") as file:
        file.writestr("first_of_zip.py", "")
        file.writestr("second_of_zip.py", "")
    monkeypatch.syspath_prepend(place)
    importlib.import_module("first_of_zip")
    assert isinstance(sys.path_importer_cache[place], zipimporter)

    _spare_next_task()

    assert place not in sys.path_importer_cache
    assert importlib.import_module("second_of_zip").__name__ == "second_of_zip"
