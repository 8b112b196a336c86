"""Interpreters for the gate's tests: light virtual environments that see this one's packages and hold a mechanism of their own."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
from pathlib import Path

EXAMPLE = Path(__file__).parent.parent / "examples" / "own-mechanism" / "own_mechanism.py"
SEND = "send=self.send"


def environment(folder: Path, name: str = "", source: str = "", *, with_ours: bool = True) -> Path:
    """An interpreter that has ipcbench (unless told otherwise) and, with a source, the mechanism of that name."""
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    if with_ours:
        (packages / "ours.pth").write_text(f"import site; site.addsitedir({sysconfig.get_path('purelib')!r})\n")
    if source:
        (packages / "their_mechanism.py").write_text(source)
        about = packages / "theirs-1.0.dist-info"
        about.mkdir()
        (about / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
        (about / "entry_points.txt").write_text(f"[ipcbench.mechanisms]\n{name} = their_mechanism:MECHANISM\n")
    return folder / "bin" / "python"


def example(name: str = "datagram-pair", send: str = "") -> str:
    """The example's source under another name, and with another `send` if one is given."""
    source = EXAMPLE.read_text()
    assert SEND in source
    if send:
        source = source.replace(SEND, f"send={send}")
    return source.replace('"datagram-pair"', f'"{name}"')
