"""`python bench/proxy/run.py [ROUNDS] [PLANTED]`: the bench of the data path, as JSON. Needs root."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

from gridwire.lab.bench_proxy import GOAL, LEAST, run_bench


def main() -> int:
    numbers = [float(word) for word in sys.argv[1:]]
    result = run_bench(
        rounds=int(numbers[0]) if numbers else 31,
        requests=5000,
        planted=numbers[1] if len(numbers) > 1 else 0.0,
    )
    print(json.dumps({**asdict(result), "goal": GOAL, "least": LEAST, "ok": result.ok}))
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
