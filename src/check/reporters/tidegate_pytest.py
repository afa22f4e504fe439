"""Writes down what pytest collects and how each test ends, as it happens: one JSON object a line."""

import json
import os

import pytest

REPORTS = "@REPORTS@"
ROOT = os.path.realpath("@ROOT@")

# What was in these variables before we were put there: what tests start is not to be recorded.
BEFORE = "@BEFORE@"


def relative(path):
    path = os.path.realpath(str(path))
    inside = os.path.relpath(path, ROOT)
    return path if inside.startswith("..") else inside.replace(os.sep, "/")


class Recorder:
    def __init__(self):
        # Kept here, and not looked up later: tests put fakes in their place.
        self.write, self.open, self.getpid, self.dumps = os.write, os.open, os.getpid, json.dumps
        self.pid = os.getpid()
        self.rootdir = ROOT
        # Of tests that are run by several processes, the one that started them tells.
        self.is_worker = "PYTEST_XDIST_WORKER" in os.environ
        self.ends = {}
        self.file = None
        number = 0
        while self.file is None and not self.is_worker:
            self.path = os.path.join(REPORTS, "pytest-%d-%d.jsonl" % (self.pid, number))
            try:
                self.file = self.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o644)
            except FileExistsError:
                number += 1

    def tell(self, event, **fields):
        if self.is_worker or self.getpid() != self.pid:
            return
        line = (self.dumps(dict(fields, event=event)) + "\n").encode("utf-8", "replace")
        try:
            self.write(self.file, line)
        except OSError:
            # A test closed what it had not opened.
            self.file = self.open(self.path, os.O_WRONLY | os.O_APPEND)
            self.write(self.file, line)

    def name(self, nodeid):
        file, _, test = nodeid.partition("::")
        return "%s %s" % (relative(os.path.join(self.rootdir, file)), test or "(file)")

    def error(self, exception, traceback, target, kind=None, message=None):
        exception, traceback = cause(exception, traceback)
        file, line = place(exception, traceback, target)
        self.tell(
            "error",
            kind=kind or kind_of(exception),
            type=type(exception).__name__,
            message=message or str(exception),
            file=file,
            line=line,
            target=target,
        )


def cause(exception, traceback):
    """What is behind pytest's own words for it."""
    for _ in range(20):
        # A conftest.py that cannot be imported: in one of two shapes, by the version of pytest.
        inner = getattr(exception, "cause", None)
        told = getattr(exception, "excinfo", None)
        if type(exception).__name__ == "ConftestImportFailure":
            inner = inner or (told[1] if told else None)
        elif type(exception).__name__ == "CollectError":
            inner = exception.__cause__
        else:
            inner = None
        if inner is None:
            break
        exception, traceback = inner, inner.__traceback__
    return exception, traceback


def place(exception, traceback, target):
    """The innermost place in the checkout that is nobody else's code."""
    if isinstance(exception, SyntaxError) and exception.filename:
        return relative(exception.filename), exception.lineno
    found = (target, None)
    while traceback is not None:
        file = relative(traceback.tb_frame.f_code.co_filename)
        if not os.path.isabs(file) and "site-packages" not in file and os.path.exists(os.path.join(ROOT, file)):
            found = (file, traceback.tb_lineno)
        traceback = traceback.tb_next
    return found


def kind_of(exception):
    if isinstance(exception, SyntaxError):
        return "syntax"
    if isinstance(exception, (ImportError, NameError, AttributeError)):
        return "name"
    return "type" if isinstance(exception, TypeError) else "other"


RECORDER = Recorder()


def forget_us():
    for name, value in json.loads(BEFORE).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


@pytest.hookimpl(hookwrapper=True)
def pytest_load_initial_conftests():
    outcome = yield
    if outcome.excinfo is not None:
        _, exception, traceback = outcome.excinfo
        RECORDER.error(exception, traceback, None)


@pytest.hookimpl(hookwrapper=True, tryfirst=True)
def pytest_cmdline_main(config):
    # All are to report, whatever fails on the way. Other plugins look at this first of all.
    config.option.maxfail = 0
    config.option.continue_on_collection_errors = True
    yield


def pytest_configure(config):
    RECORDER.rootdir = str(getattr(config, "rootpath", None) or config.rootdir)
    RECORDER.tell("start", runner="pytest")
    # Workers that run the tests are yet to be started, and have to know us.
    if getattr(config.option, "dist", "no") == "no" or RECORDER.is_worker:
        forget_us()


@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    tests = [RECORDER.name(item.nodeid) for item in session.items]
    if tests:
        RECORDER.tell("collected", tests=tests)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(node, ids):
    RECORDER.tell("collected", tests=[RECORDER.name(nodeid) for nodeid in ids])


def pytest_exception_interact(node, call, report):
    if getattr(report, "when", None) == "collect" or report.__class__.__name__ == "CollectReport":
        RECORDER.error(call.excinfo.value, call.excinfo.tb, relative(node.fspath) if hasattr(node, "fspath") else None)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    yield
    excinfo = call.excinfo
    lookup = getattr(pytest, "FixtureLookupError", ())
    if call.when == "setup" and excinfo is not None and isinstance(excinfo.value, lookup):
        file = relative(item.fspath)
        message = "fixture '%s' not found" % excinfo.value.argname
        line = item.location[1]
        RECORDER.tell(
            "error",
            kind="other",
            type="fixture",
            message=message,
            file=file,
            line=None if line is None else line + 1,
            target=file,
        )


def reason_of(report):
    if hasattr(report, "wasxfail"):
        return ("expected to fail: %s" % report.wasxfail).rstrip(": ")
    if isinstance(report.longrepr, tuple):
        reason = str(report.longrepr[2])
        return reason[len("Skipped: ") :] if reason.startswith("Skipped: ") else reason
    return None


def pytest_runtest_logreport(report):
    held, reason = RECORDER.ends.get(report.nodeid, ("passed", None))
    if report.outcome == "failed":
        held = "failed"
    elif report.outcome == "skipped" and held == "passed":
        held, reason = "skipped", reason_of(report)
    elif report.outcome == "rerun":
        RECORDER.ends.pop(report.nodeid, None)
        return
    RECORDER.ends[report.nodeid] = (held, reason)
    # A worker that crashed has no phase.
    if report.when not in ("setup", "call"):
        RECORDER.ends.pop(report.nodeid, None)
        RECORDER.tell("result", test=RECORDER.name(report.nodeid), outcome=held, reason=reason)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session, exitstatus):
    RECORDER.tell("end", status=int(exitstatus))
