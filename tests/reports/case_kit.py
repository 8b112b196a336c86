"""Made-up benchmarks of any workload by the id of their case, and the frame of a file that holds them."""

import json

from ipcbench.reports import frame, schema

from .make import result


def made(name, seconds, samples=5, family="synchronisation", **costs):
    """The workers' figures lie a few percent round `seconds`; `costs` stand in each run's metadata."""
    workload, mechanism, payload, _, processes, start, place, *variant = name.split("/")
    about = {
        "name": name,
        "unit": "second",
        "case_workload": workload,
        "case_mechanism": mechanism,
        "case_payload": payload,
        "case_size": 0,
        "case_processes": int(processes),
        "case_near": int(processes),
        "case_far": 0,
        "case_start_method": start,
        "case_placement": place,
        "case_family": family,
        "case_quantity": "operation",
        "case_revision": 1,
        **({"case_variant": variant[0]} if variant else {}),
    }
    figures = [seconds * (1 + 0.02 * (worker - (samples - 1) / 2)) for worker in range(samples)]
    metadata = {"loops": 100, "cpu_user_s": seconds / 2, "cpu_system_s": seconds / 2, **costs}
    return {"metadata": about, "runs": [{"metadata": metadata, "values": [each]} for each in figures]}


def table(folder, *benchmarks, **facts):
    """What a report is drawn from."""
    (folder / "run.json").write_text(json.dumps(result(list(benchmarks), **facts)))
    return frame.build(schema.load(folder))
