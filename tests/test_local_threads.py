"""A folder that is used by many threads: what one forgets, another still holds."""

from __future__ import annotations

from pathlib import Path

import pytest

from bucketline.flow.drive import blocking as call
from bucketline.stores.local import LocalStore
from bucketline.stores.local.folders import Folder, Folders


@pytest.fixture
def forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody forgets all folders right after each was looked up."""
    get = Folders.get

    def got(self: Folders, path: str) -> Folder:
        folder = get(self, path)
        self.forget()
        return folder

    monkeypatch.setattr(Folders, "get", got)


@pytest.mark.usefixtures("forgetful")
def test_a_folder_stays_open_as_long_as_it_is_used(tmp_path: Path) -> None:
    (tmp_path / "dir").mkdir()
    (tmp_path / "dir/key").write_bytes(b"bytes")
    (tmp_path / "dir/link").symlink_to("key")
    store = LocalStore(str(tmp_path))

    assert call(store.read("dir/key")).body == b"bytes"
    assert call(store.read("dir/link")).body == b"bytes"
    call(store.delete("dir/key"))
    assert not (tmp_path / "dir/key").exists()
