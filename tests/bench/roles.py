"""Roles for peers in tests: a module of its own, so that spawned ones can import it."""

import time

from ipcbench.bench.peers import Role


class Burner(Role):
    """Uses that many milliseconds of CPU, then says how many it used."""

    def setup(self):
        return {"prepare": lambda _: None, "burn": burn}


def burn(milliseconds):
    begin = time.process_time()
    while time.process_time() < begin + milliseconds / 1000:
        pass
    return time.process_time() - begin
