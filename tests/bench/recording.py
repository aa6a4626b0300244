"""Where the benches leave their figures, when they are asked to."""

import json
import os
import pathlib
from typing import Any

__all__ = ["record"]

RECORDS = pathlib.Path(__file__).parents[2] / "configs" / "records"


def record(bench: str, name: str, figures: dict[str, Any], *, add: bool = False, **about: Any) -> None:
    """Write figures to configs/records/BENCH_bench.json if the environment has BENCH_BENCH=record.

    Args:
        bench: "conv" for test_conv_bench.py, and so on.
        name: of the entry.
        figures: what was measured.
        add: to the entry that is there, in place of replacing it.
        about: what else to say of all entries.
    """
    switch = f"{bench.upper()}_BENCH=record"
    if os.environ.get(f"{bench.upper()}_BENCH") != "record":
        return
    file = RECORDS / f"{bench}_bench.json"
    known = json.loads(file.read_text()) if file.exists() else {}
    known["command"] = f"{switch} python -m pytest -m bench tests/bench/test_{bench}_bench.py -s"
    known["hardware"] = f"{os.cpu_count()}-core {os.uname().machine} CPU"
    known["load_average_after"] = round(os.getloadavg()[0], 1)
    known |= about
    known[name] = (known.get(name, {}) if add else {}) | figures
    file.write_text(json.dumps(known, indent=2) + "\n")
