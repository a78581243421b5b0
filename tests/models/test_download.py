"""A pull is all or nothing, checked, safe beside another one, and says what each source answered."""

import hashlib
import json
import multiprocessing
import shutil
import time

import pytest

from alen.errors import CorruptWeights, DownloadFailed, HomeNotWritable, UnknownModel
from alen.models import download, locate, pull
from alen.models.sources import LocalSource, SourceError


class Failing:
    name = "failing source"

    def fetch(self, model, into, progress):
        (into / "half").write_bytes(b"half a file")
        raise SourceError("no answer within 5 s")


class Wrong:
    name = "wrong source"

    def fetch(self, model, into, progress):
        for file in model.files:
            (into / file.path).parent.mkdir(parents=True, exist_ok=True)
            (into / file.path).write_bytes(b"x" * file.size)


class Interrupted:
    name = "interrupted source"

    def fetch(self, model, into, progress):
        (into / "half").write_bytes(b"half a file")
        raise KeyboardInterrupt


class Counting(LocalSource):
    """Takes its time and leaves a mark for every fetch."""

    def fetch(self, model, into, progress):
        time.sleep(0.5)
        with (self.folder / "fetches").open("a") as log:
            log.write("x")
        super().fetch(model, into, progress)


def left_behind(home):
    return sorted(path.name for path in (home / "models").iterdir() if not path.name.endswith(".lock"))


def test_the_next_source_is_tried_and_named(tiny, tiny_folder, tmp_path):
    home = tmp_path / "home"
    folder = pull("tiny", home, sources=[Failing(), Wrong(), LocalSource(tiny_folder)])
    assert folder == home / "models" / "tiny"
    assert json.loads((folder / "alen-model.json").read_text())["source"] == f"local {tiny_folder}"
    assert left_behind(home) == ["tiny"]
    assert locate("tiny", home).path == folder


def test_all_sources_fail(tiny, tmp_path):
    with pytest.raises(DownloadFailed, match=r"failing source: no answer within 5 s.*ALEN_MODEL_SOURCE.*tiny_c-1.0"):
        pull("tiny", tmp_path, sources=[Failing(), Failing()])
    assert left_behind(tmp_path) == []


def test_other_bytes_are_refused(tiny, tmp_path):
    with pytest.raises(CorruptWeights, match=r"wrong source: config\.json has SHA-256"):
        pull("tiny", tmp_path, sources=[Failing(), Wrong()])
    assert left_behind(tmp_path) == []


def test_an_interrupted_pull_leaves_nothing(tiny, tiny_folder, tmp_path):
    home = tmp_path / "home"
    with pytest.raises(KeyboardInterrupt):
        pull("tiny", home, sources=[Interrupted()])
    assert left_behind(home) == []
    pull("tiny", home, sources=[LocalSource(tiny_folder)])


def test_what_a_killed_pull_left_is_cleared(tiny, tiny_folder, tmp_path):
    (tmp_path / "models" / ".tiny-killed" / "model").mkdir(parents=True)
    pull("tiny", tmp_path, sources=[LocalSource(tiny_folder)])
    assert left_behind(tmp_path) == ["tiny"]


def test_an_installed_model_is_not_fetched_again(tiny, tiny_folder, tmp_path):
    pull("tiny", tmp_path, sources=[LocalSource(tiny_folder)])
    assert pull("tiny", tmp_path, sources=[]) == tmp_path / "models" / "tiny"


def test_a_damaged_model_is_replaced(tiny, tiny_folder, tmp_path):
    folder = pull("tiny", tmp_path, sources=[LocalSource(tiny_folder)])
    weights = folder / "sub" / "weights.safetensors"
    whole = weights.read_bytes()
    weights.write_bytes(whole[:-1] + b"?")
    pull("tiny", tmp_path, sources=[LocalSource(tiny_folder)])
    assert hashlib.sha256(weights.read_bytes()).hexdigest() == tiny.files[1].sha256


def test_local_source_from_the_environment(tiny, tiny_wheel, tmp_path, monkeypatch):
    monkeypatch.setenv("ALEN_MODEL_SOURCE", str(tiny_wheel.parent))
    seen = []
    pull("tiny", tmp_path / "home", lambda *line: seen.append(line))
    assert seen[-1] == ("checking tiny", tiny.bytes, tiny.bytes)


def test_unknown_model(tmp_path):
    with pytest.raises(UnknownModel):
        pull("gpt-5", tmp_path)


def test_home_below_a_file(tiny, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(HomeNotWritable):
        pull("tiny", tmp_path / "file" / "home")


def _pull_in_process(model, folder, home):
    from alen.models import registry

    registry.REGISTRY[model.name] = model
    pull(model.name, home, sources=[Counting(folder)])


def test_two_processes_pull_once(tiny, tiny_folder, tmp_path):
    home = tmp_path / "home"
    spawn = multiprocessing.get_context("spawn")
    both = [spawn.Process(target=_pull_in_process, args=(tiny, tiny_folder, home)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    assert (tiny_folder / "fetches").read_text() == "x"
    assert left_behind(home) == ["tiny"]


def test_the_order_is_local_hub_carrier(tiny, tmp_path, monkeypatch):
    tried = []

    class Named(Failing):
        def __init__(self, name):
            self.name = name

        def fetch(self, model, into, progress):
            tried.append(self.name)
            super().fetch(model, into, progress)

    monkeypatch.setattr(
        download, "sources_of", lambda model, local: [Named(f"local {local}"), Named("hub"), Named("carrier")]
    )
    with pytest.raises(DownloadFailed):
        pull("tiny", tmp_path, source=tmp_path / "mine")
    assert tried == [f"local {tmp_path / 'mine'}", "hub", "carrier"]


@pytest.mark.models
def test_real_files_pass_a_local_pull(models_home, tmp_path):
    folder = pull("all-minilm-l6-v2", tmp_path, source=models_home / "models")
    assert (folder / "model.safetensors").stat().st_size == 90_868_376
    shutil.rmtree(folder)
