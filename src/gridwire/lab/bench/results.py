"""Results in files, JSON, one run of a scenario each."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from gridwire.core.errors import Invalid
from gridwire.lab.bench.report import document
from gridwire.lab.bench.scenario import Result


def write(result: Result, file: Path) -> None:
    told = TypeAdapter(object).dump_python(document(result), mode="json")
    file.write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def read(file: Path) -> Result:
    """Raise Invalid for a file that is none of `gridwire bench run --save`."""
    try:
        return TypeAdapter(Result).validate_json(file.read_bytes())
    except OSError as error:
        raise Invalid(str(file), f"cannot be read: {error.strerror}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        fix = "give a file that `gridwire bench run --save` wrote"
        raise Invalid(str(file), f"is no result of a bench: {place}: {first['msg']}", fix=fix) from None
