"""Checks of one client: a line each, and exit code 1 when one of them failed."""

import sys
import traceback

failed = []


def check(name, run):
    """Runs a check, which raises an exception when it fails. Returns its value."""
    try:
        value = run()
        print(f"ok    {name}", flush=True)
        return value
    except Exception as error:
        failed.append(name)
        problem = " ".join(str(error).split())[:300]
        place = traceback.extract_tb(error.__traceback__)[-1]
        print(f"FAIL  {name}: {type(error).__name__}: {problem} ({place.name}:{place.lineno})", flush=True)


def equal(got, expected):
    assert got == expected, f"{got!r} is not {expected!r}"


def refused(run, *parts):
    """Checks that a call raises an exception whose text has all `parts`."""
    try:
        value = run()
    except Exception as error:
        text = f"{error} {getattr(error, 'server_message', '')} {getattr(getattr(error, 'response', None), 'text', '')}"
        missing = [part for part in parts if part not in text]
        assert not missing, f"{missing} not in {text!r}"
    else:
        raise AssertionError(f"answered {value!r}, expected a refusal")


def end():
    sys.exit(1 if failed else 0)
