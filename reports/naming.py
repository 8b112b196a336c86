"""Names of points in a plane: marks that touch share one list of names, and no name can be taken for another mark's."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

from matplotlib.axes import Axes
from matplotlib.path import Path
from matplotlib.patheffects import withStroke
from matplotlib.transforms import Bbox

from ipcbench.reports import axes as shared
from ipcbench.reports import style
from ipcbench.reports.figure import Panel

__all__ = ["write"]

Point = tuple[float, float]

MARK = 3.5
"""Half the width of a mark, in units of the screen, as all that follows."""
ROOM = 2.5
"""Between a mark and a name that isn't its own."""
TOUCH = 7.0
"""Marks nearer than this can't be told apart well enough to name each."""
NEAR = 10.0
"""So far from its mark a name needs no line to it."""
ROUNDS = (NEAR, 24.0, 40.0, 60.0, 85.0, 115.0, 150.0, 190.0, 240.0)
"""Distances from a mark at which its name is tried, nearest first."""
ANGLES = (0, 180, 90, 270, 45, 315, 135, 225, 20, 340, 160, 200, 65, 295, 115, 245)
"""Degrees, likewise."""
HAIR = "#8b949c"
"""The lines from marks to names."""
MANY, MOST = 12, 40
"""Names in a list, and lists in a panel, for which there may be room: to try more takes minutes."""
LINE = 24
"""Characters of a line of names."""


@dataclass(frozen=True)
class Mark:
    """What is drawn of a mechanism that waits in one way."""

    name: str
    family: str
    time: float
    x: float
    y: float

    @cached_property
    def box(self) -> Bbox:
        """What it covers."""
        return Bbox.from_extents(self.x - MARK, self.y - MARK, self.x + MARK, self.y + MARK)

    @cached_property
    def room(self) -> Bbox:
        """What no name may cover."""
        return self.box.padded(ROOM)


@dataclass
class Taken:
    """What names and their lines keep clear of."""

    inside: Bbox
    marks: list[Mark]
    lines: list[Path]
    texts: list[Bbox] = field(default_factory=list)

    def fits(self, box: Bbox, line: Path, heap: list[Mark]) -> bool:
        """Whether a text there covers nothing, its line crosses nothing, and no other mark is nearly as near as its own."""
        return (
            self.inside.contains(box.x0, box.y0)
            and self.inside.contains(box.x1, box.y1)
            and not any(box.overlaps(each) for each in self.texts)
            and not any(box.overlaps(mark.room) for mark in self.marks)
            and not any(each.intersects_bbox(box, filled=False) for each in self.lines)
            and self._is_told(box, line, heap)
        )

    def _is_told(self, box: Bbox, line: Path, heap: list[Mark]) -> bool:
        """Whether the line crosses nothing, and no other mark is nearly as near as its own."""
        others = [each for each in self.marks if each not in heap]
        own = min(_gap(box, each) for each in heap)
        mistaken = any(_gap(box, each) < 1.5 * min(own, NEAR) for each in others)
        over = [*self.texts, *(mark.box for mark in others)]
        return not mistaken and not any(line.intersects_bbox(each, filled=False) for each in over)


def write(place: Axes, panel: Panel, ways: dict[int, str]) -> None:
    """All names that find room, those of the slowest first, which have the least at the right; the axes must have their final place."""
    marks = list(_marks(place, panel, ways))
    joined = [each for each in panel.series if len(each.x) > 1]
    joins = [Path(place.transData.transform(list(zip(each.x, each.y, strict=True)))) for each in joined]
    taken = Taken(place.bbox, marks, joins)
    heaps = [heap for heap in _heaps(marks) if len(heap) <= MANY]
    for heap in sorted(heaps, key=lambda heap: heap[0].time, reverse=True)[:MOST]:
        _write(place, heap, taken)


def _marks(place: Axes, panel: Panel, ways: dict[int, str]) -> Iterator[Mark]:
    for each in panel.series:
        for x, y, way in zip(each.x, each.y, each.ways, strict=True):
            across, up = place.transData.transform((x, y))
            yield Mark(each.text if way == 0 else f"{each.text} {ways[way]}", each.family, x, across, up)


def _heaps(marks: list[Mark]) -> list[list[Mark]]:
    """Marks of which each touches another of its heap."""
    heaps: list[list[Mark]] = []
    for mark in marks:
        touched = [heap for heap in heaps if any(math.dist((mark.x, mark.y), (m.x, m.y)) < TOUCH for m in heap)]
        heaps = [heap for heap in heaps if heap not in touched]
        heaps.append([mark, *itertools.chain.from_iterable(touched)])
    return heaps


def _write(place: Axes, heap: list[Mark], taken: Taken) -> None:
    heap = sorted(heap, key=lambda mark: mark.time)
    names = textwrap.fill(", ".join(mark.name for mark in heap), LINE, break_on_hyphens=False)
    families = {mark.family for mark in heap}
    text = place.text(0, 0, names, fontsize=7.5, ha="center", va="center", linespacing=1.1, zorder=5)
    text.set_color(style.text_colour(families.pop()) if len(families) == 1 else shared.INK)
    text.set_path_effects([withStroke(linewidth=2.0, foreground="white")])
    size = text.get_window_extent()
    for box, ends in _tries(heap, size.width, size.height):
        line = Path(ends)
        if taken.fits(box, line, heap):
            middle = ((box.x0 + box.x1) / 2, (box.y0 + box.y1) / 2)
            (x, y), *hair = place.transData.inverted().transform([middle, *ends])
            text.set_position((x, y))
            taken.texts.append(box.padded(8, 2))
            if math.dist(*ends) > NEAR + 1:
                taken.lines.append(line)
                place.plot(*zip(*hair, strict=True), color=HAIR, linewidth=0.7, zorder=2.5)
            return
    text.remove()


def _tries(heap: list[Mark], width: float, height: float) -> Iterator[tuple[Bbox, tuple[Point, Point]]]:
    """Boxes for the text round each mark of the heap, with the ends of the line from the mark to the box, nearest first."""
    for distance, angle, mark in itertools.product(ROUNDS, ANGLES, heap):
        across, up = math.cos(math.radians(angle)), math.sin(math.radians(angle))
        x, y = mark.x + distance * across, mark.y + distance * up
        left = x - width * (1 - _sign(across)) / 2
        bottom = y - height * (1 - _sign(up)) / 2
        box = Bbox.from_bounds(left, bottom, width, height)
        end = (min(max(mark.x, box.x0), box.x1), min(max(mark.y, box.y0), box.y1))
        yield box, ((mark.x, mark.y), end)


def _sign(value: float) -> int:
    """-1, 0 or 1: which side of a mark a text is at."""
    return (value > 0.3) - (value < -0.3)


def _gap(box: Bbox, mark: Mark) -> float:
    """From the middle of the mark to the box."""
    across = max(box.x0 - mark.x, 0.0, mark.x - box.x1)
    up = max(box.y0 - mark.y, 0.0, mark.y - box.y1)
    return math.hypot(across, up)
