"""Finding mechanisms: files and entry points; a broken one is refused when it is loaded, naming the rule."""

import subprocess
import sys

import pytest

from ipcbench.ipc import registry
from ipcbench.ipc.contract import Mechanism, PairMechanism, Traits


class Fine(PairMechanism):
    name = "fine"
    family = "test"
    traits = Traits()

    def pair(self, spec, owner):
        raise NotImplementedError


class Misnamed(Fine):
    name = "other"


class Shouting(Fine):
    name = "FINE"


class Nameless(PairMechanism):
    family = "test"
    traits = Traits()
    pair = Fine.pair


class Homeless(PairMechanism):
    name = "fine"
    traits = Traits()
    pair = Fine.pair


class Traitless(Fine):
    traits = None


class Point:
    def __init__(self, found):
        self.found = found

    def load(self):
        return self.found


@pytest.fixture
def plugins(monkeypatch):
    registry.load.cache_clear()
    found = {}
    monkeypatch.setattr(registry, "_plugins", lambda: found)
    yield found
    registry.load.cache_clear()


def test_finds_every_file():
    files = {file.stem for file in registry.FOLDER.glob("*.py")} - {"__init__"}
    assert files
    assert {name.replace("-", "_") for name in registry.names()} >= files


def test_every_mechanism_loads_as_itself():
    for name in registry.names():
        mechanism = registry.load(name)
        assert isinstance(mechanism, Mechanism)
        assert mechanism.name == name


@pytest.mark.parametrize("found", [Fine, Fine()])
def test_a_plugin_is_a_class_or_an_instance(plugins, found):
    plugins["fine"] = Point(found)
    assert registry.load("fine").name == "fine"


@pytest.mark.parametrize(
    ("name", "found", "said"),
    [
        ("fine", object(), "no"),
        ("fine", Misnamed, "'other'"),
        ("FINE", Shouting, "lower-case"),
        ("fine", Nameless, "name"),
        ("fine", Homeless, "family"),
        ("fine", Traitless, "traits"),
    ],
)
def test_rule_1_a_broken_plugin_is_refused(plugins, name, found, said):
    plugins[name] = Point(found)
    with pytest.raises(TypeError, match=rf"{said}.*rule 1"):
        registry.load(name)


def test_an_unknown_name():
    with pytest.raises(KeyError):
        registry.load("carrier-pigeon")


def test_mechanisms_import_fast():
    """A worker loads only what it times: no mechanism pulls numpy in, none but the managers' their managers."""
    code = (
        "import sys; from ipcbench.ipc import registry; "
        "[registry.load(name) for name in registry.names() if name in registry._built_in()]; "
        "print(*sorted({'numpy', 'multiprocessing.managers', 'pandas', 'asyncio'} & set(sys.modules)))"
    )
    env_path = ":".join(sys.path)
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env={"PYTHONPATH": env_path},
    )
    assert done.stdout.split() == []
