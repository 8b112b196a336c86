"""Cases, and what workers would have measured of them, made up."""

from ipcbench.bench.case import Case
from ipcbench.bench.metadata import axes


def about(name):
    return {key: value for key, value in axes(Case.parse(name)).items() if value}


def suite(values):
    return {
        "version": "1.0",
        "benchmarks": [
            {
                "metadata": {"name": name, "unit": "second", **about(name)},
                "runs": [{"metadata": {"loops": 7}, "values": each, "warmups": [[7, 1e-5]]}],
            }
            for name, each in values.items()
        ],
    }


def case(mechanism, size):
    return Case("round-trip", mechanism, "bytes", size, 1, "fork", "cross-core")


CASES = [case(mechanism, size) for mechanism in ("pipe", "queue", "tcp") for size in (1, 64, 1024)]
MANY = [case(f"m{index}", size) for index in range(12) for size in (1, 64, 1024)]
