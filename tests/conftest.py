"""A small knowledge base for tests: three diseases, a handful of findings, the real language tables."""

import faulthandler
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

import pytest
from tests.real_knowledge import real_language

from cunyi import app
from cunyi.authoring.build import compile_library, to_bytes
from cunyi.authoring.load import Library, load_library
from cunyi.config import read_config
from cunyi.reasoning.prepared import Knowledge, prepare


def _kept(load: Callable[..., Knowledge]) -> Callable[..., Knowledge]:
    """Loads an artefact once for all tests, as long as the file is the same. Nobody writes to what is loaded."""
    known: dict[tuple[Path, int, int], Knowledge] = {}

    def load_once(path: Path | None = None) -> Knowledge:
        found = path or app.artefact_path()
        if not found.exists():
            return load(path)
        stat = found.stat()
        key = (found, stat.st_mtime_ns, stat.st_size)
        if key not in known:
            known[key] = load(path)
        return known[key]

    return load_once


# Before any module of tests takes it by name.
app.load_knowledge = _kept(app.load_knowledge)

# What takes longest begins first, so that nobody waits for it alone at the end. What runs an event loop of its own comes before the
# pages: Playwright's goes on in its process until the end, and there can be only one.
_FIRST = (
    "tests/simulation/test_township.py",
    "tests/devices/",
    "tests/commands/test_device_commands.py",
    "tests/journeys/test_bench.py",
    "tests/web/",
    "tests/sync/",
    "tests/store/",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Orders the files of tests; within a file they stay as they are."""
    root = Path(__file__).parents[1]

    def place(item: pytest.Item) -> int:
        path = item.path.relative_to(root).as_posix()
        return next((at for at, first in enumerate(_FIRST) if path.startswith(first)), len(_FIRST))

    items.sort(key=place)


_CRASHES = pytest.StashKey[Path]()
_RUNNERS = ("/pluggy/", "/_pytest/", "/xdist/", "/execnet/")
_CRASH_FILE = pytest.StashKey[TextIO]()

KNOWLEDGE = Path(__file__).parents[1] / "knowledge"
MINI = Path(__file__).parent / "mini_knowledge"
PATIENTS = Path(__file__).parent / "patients_for_tests.yaml"
SENTENCES = Path(__file__).parent / "spoken_for_tests.yaml"


def with_real_language(library: Library) -> Library:
    """A small library with the language tables, settings and words of the real one."""
    real = real_language()
    library.tables, library.settings, library.opinion = real.tables, real.settings, real.opinion
    library.referral_loop = real.referral_loop
    library.answering = real.answering
    return library


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node) -> None:
    """Tells a process of tests where to leave word of where it crashed."""
    node.workerinput["crashes"] = node.config.stash.setdefault(_CRASHES, Path(tempfile.mkdtemp())).as_posix()


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Where a process crashes in C, what its threads did goes into a file: what it writes elsewhere is lost among all others'."""
    if hasattr(config, "workerinput"):
        file = Path(config.workerinput["crashes"], config.workerinput["workerid"])
        config.stash[_CRASH_FILE] = file.open("w")
        faulthandler.enable(file=config.stash[_CRASH_FILE])


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    """What the threads of a crashed process did, last of all."""
    folder = config.stash.get(_CRASHES, None)
    if folder is None:
        return
    for file in sorted(folder.iterdir()):
        told = file.read_text(errors="replace").splitlines()
        if told:
            terminalreporter.section(f"{file.name} crashed")
        for line in told:
            if not any(runner in line for runner in _RUNNERS):
                terminalreporter.write_line(line)
    shutil.rmtree(folder)


def _only(folders: pytest.TempPathFactory, kind: str, file: Path) -> Library:
    """A library of nothing but one file of a kind."""
    folder = folders.mktemp(kind)
    (folder / kind).mkdir()
    shutil.copy(file, folder / kind)
    return load_library(folder)


@pytest.fixture(scope="session")
def mini_library() -> Library:
    library = load_library(MINI)
    return with_real_language(library)


@pytest.fixture(scope="session")
def mini(mini_library: Library) -> Knowledge:
    return prepare(to_bytes(compile_library(mini_library)))


@pytest.fixture(scope="session")
def taught_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The small library with example patients."""
    library = with_real_language(load_library(MINI))
    library.patients = _only(tmp_path_factory, "patients", PATIENTS).patients
    return library


@pytest.fixture(scope="session")
def taught(taught_library: Library) -> Knowledge:
    return prepare(to_bytes(compile_library(taught_library)))


@pytest.fixture(scope="session")
def heard_library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The small library with sentences that say how urgent they are."""
    library = with_real_language(load_library(MINI))
    library.spoken_levels = _only(tmp_path_factory, "spoken_levels", SENTENCES).spoken_levels
    return library


@pytest.fixture(scope="session")
def heard(heard_library: Library) -> Knowledge:
    return prepare(to_bytes(compile_library(heard_library)))


@pytest.fixture(scope="session")
def mini_root() -> Path:
    return MINI


@pytest.fixture(scope="session")
def knowledge_root() -> Path:
    return KNOWLEDGE


@pytest.fixture(scope="session")
def knowledge() -> Knowledge:
    """The knowledge that is built here, loaded as the program loads it. No test may change it."""
    path = read_config().knowledge or app.artefact_path()
    if not path.exists():
        pytest.skip("the knowledge is not built here")
    return app.load_knowledge(path)
