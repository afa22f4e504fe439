"""Runs the tests and reports each by its name, in the Test Anything Protocol: also those whose module is not there yet."""

import ast
import importlib
import sys
import traceback
import unittest
from pathlib import Path


def named(path):
    """The tests of a file, by its text alone."""
    for suite in ast.parse(path.read_text()).body:
        for test in getattr(suite, "body", []):
            if isinstance(suite, ast.ClassDef) and getattr(test, "name", "").startswith("test"):
                yield f"tests.{path.stem}.{suite.name}.{test.name}"


def failures(path):
    """What each failed test of a file has to say."""
    try:
        module = importlib.import_module(f"tests.{path.stem}")
    except Exception:
        return dict.fromkeys(named(path), traceback.format_exc(limit=-1))
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromModule(module).run(result)
    return {test.id(): words for test, words in result.failures + result.errors}


def main():
    """Runs the files whose names hold one of the words, or all. The exit code."""
    files = [path for path in sorted(Path("tests").glob("test_*.py")) if is_wanted(path.stem)]
    failed = {name: words for path in files for name, words in failures(path).items()}
    names = [name for path in files for name in named(path)]
    print(f"TAP version 14\n1..{len(names)}")
    for number, name in enumerate(names, 1):
        print(f"{'not ok' if name in failed else 'ok'} {number} - {name}")
        for line in failed.get(name, "").splitlines():
            print(f"# {line}")
    return 1 if failed else 0


def is_wanted(stem):
    return not sys.argv[1:] or stem.removeprefix("test_") in sys.argv[1:]


if __name__ == "__main__":
    sys.exit(main())
