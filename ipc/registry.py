"""Finds the mechanisms: one file each in `mechanisms/`, or an entry point in the group `ipcbench.mechanisms`.

A file's name is the mechanism's name with underscores, and it holds an instance called `MECHANISM`. Nothing is imported
before it is asked for, so that a benchmark worker loads only what it times.
"""

from __future__ import annotations

import re
from functools import cache
from importlib import import_module
from pathlib import Path

from ipcbench.ipc.contract import Mechanism, Traits

__all__ = ["is_foreign", "load", "names"]

GROUP = "ipcbench.mechanisms"
FOLDER = Path(__file__).parent / "mechanisms"


@cache
def names() -> tuple[str, ...]:
    """The names of all mechanisms, sorted."""
    return tuple(sorted({*_built_in(), *_plugins()}))


@cache
def load(name: str) -> Mechanism:
    """The mechanism of that name. Raises KeyError if there is none, TypeError if it breaks the contract.

    Of one from elsewhere, whatever its import raises.
    """
    if is_foreign(name):
        return _verified(name, _plugins()[name].load())
    return _verified(name, import_module(f"ipcbench.ipc.mechanisms.{name.replace('-', '_')}").MECHANISM)


def is_foreign(name: str) -> bool:
    """Whether it isn't one of ours, so that what goes wrong in it isn't either."""
    return name not in _built_in()


@cache
def _built_in() -> frozenset[str]:
    return frozenset(file.stem.replace("_", "-") for file in FOLDER.glob("[a-z]*.py"))


@cache
def _plugins():  # type: ignore[no-untyped-def]  # EntryPoint differs between the typeshed versions of 3.10 and 3.13
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}


def _verified(name: str, found: object) -> Mechanism:
    """Refuse a broken mechanism when it is loaded, naming the rule, rather than in the middle of a run."""
    if isinstance(found, type) and issubclass(found, Mechanism):
        found = found()
    if not isinstance(found, Mechanism):
        raise TypeError(f"mechanism {name!r}: {found!r} is no ipcbench.ipc.contract.Mechanism (rule 1)")
    for attribute, kind in (("name", str), ("family", str), ("traits", Traits)):
        if not isinstance(getattr(found, attribute, None), kind):
            raise TypeError(f"mechanism {name!r} lacks its {attribute}: a {kind.__name__} (rule 1)")
    if found.name != name:
        raise TypeError(f"mechanism {name!r} calls itself {found.name!r}: both names must be equal (rule 1)")
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name):
        raise TypeError(f"mechanism {name!r}: a name is lower-case words joined by hyphens (rule 1)")
    return found
