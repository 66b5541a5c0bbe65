"""Run a case of `benchmarks.attack` and judge the outcome."""

import contextlib
import hashlib
import linecache
import signal
import traceback
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import sklearn
import torch

import skvae
from benchmarks import _attack_cases as cases

SECONDS = 10  # for one case, which takes milliseconds
ASKED = 10  # every how many cases the answers are compared, not only the state
LONGEST = 3000  # characters of a message
FINE = ("result", "refused")
FAULTS = ("depths", "not finite", "shape", "accepted", "state", "message", "slow")
FILE, VALUE = "<case>", "<value>"
OWN = Path(skvae.__file__).parent
VALIDATION = tuple(
    Path(sklearn.__file__).parent / part
    for part in (
        "utils/validation.py",
        "utils/_array_api.py",
        "utils/_param_validation.py",
        "utils/_set_output.py",
        "utils/_metadata_requests.py",
        "compose/_column_transformer.py",  # make_column_selector
        "base.py",
    )
)


class NotBuilt(Exception):
    """The hostile value itself cannot be evaluated."""


class Slow(BaseException):
    """A case took too long."""


@dataclass
class Outcome:
    """A verdict of `FINE` or `FAULTS`, and what led to it."""

    verdict: str
    detail: str = ""


class Judge:
    """Attacks fitted models, which are kept from case to case."""

    def __init__(self):
        self.names = namespace()
        self.models, self.digests = {}, {}
        self.turn = 0

    def judge(self, case):
        """Return the `Outcome` of a case; NotBuilt if its value has no value."""
        names, key = dict(self.names), (case.estimator, case.variant)
        build(case, names)
        model = self.models.pop(key, None) or self._fit(*key)
        params, state = model.get_params(deep=False), state_of(model)
        names["model"] = model
        outcome = self._run(case, names)
        # A fit may succeed with a value that later answers refuse.
        if case.method not in cases.FIT or "result" not in names:
            model.set_params(**params)
            before, after = self.digests[key], self._after(case, model, state)
            if after == before:
                self.models[key] = model
            elif outcome.verdict in FINE and case.method != "set_output":
                outcome = Outcome("state", f"{before} became {after}")
        return outcome

    def _fit(self, *key):
        """Return a fitted model; its answers are the same in every run."""
        name, variant = key
        made = eval(f"{name}({cases.arguments(name, variant)})", self.names)
        exec(cases.fitting(variant), self.names | {"model": made})
        if key not in self.digests:
            self.digests[key] = digest(made, variant, self.names)
        return made

    def _after(self, case, model, state):
        """Return the digest of a model after a case."""
        self.turn += 1
        try:
            if self.turn % ASKED and state_of(model) == state:
                return self.digests[case.estimator, case.variant]
            return digest(model, case.variant, self.names)
        except Exception as error:
            return repr(error)

    def _run(self, case, names):
        source = "\n".join(case.lines)
        linecache.cache[FILE] = len(source), None, source.splitlines(True), FILE
        try:
            with limited(SECONDS):
                exec(compile(source, FILE, "exec"), names)
                return check_result(case, names)
        except Slow:
            return Outcome("slow", f"more than {SECONDS} s")
        except KeyboardInterrupt:
            raise
        except BaseException as error:  # polars' panics are not an Exception
            return check_error(error)


def namespace():
    """The names that expressions may use."""
    names = {}
    exec(cases.IMPORTS, names)
    for line in cases.OPTIONAL.values():
        with contextlib.suppress(ImportError):
            exec(line, names)
    exec("from skvae import *", names)
    exec(cases.DATA, names)
    return names


def build(case, names):
    """Evaluate the hostile value; NotBuilt if that fails."""
    try:
        with limited(SECONDS):
            names["value"] = eval(compile(case.value, VALUE, "eval"), names)
    except (Exception, Slow) as error:
        raise NotBuilt from error


@contextlib.contextmanager
def limited(seconds):
    """Raise Slow after some seconds of processor time."""

    def stop(*args):
        raise Slow

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


# --- state ----------------------------------------------------------------------------


def state_of(model):
    """What a fitted model has learned, and what torch has set.

    Attributes are compared by identity, and weights by value.
    """
    module = model.net_.module_
    tensors = [*module.parameters(), *module.buffers()]
    learned = {k: id(v) for k, v in vars(model).items() if k.endswith("_")}
    learned |= {k: id(v) for k, v in vars(model).items() if k.startswith("_")}
    return (
        learned,
        [(t.requires_grad, t.detach().numpy().tobytes()) for t in tensors],
        (module.training, len(model.history_)),
        (torch.get_default_dtype(), torch.is_grad_enabled()),
    )


def digest(model, variant, names):
    """Digest of a fitted model's answers, and of what it and torch have set."""
    names = names | {"model": model}
    calls = [f"model.transform({cases.given(variant)})"]
    extra = {"beside": ", condition=C", "column": ", condition=T[:, 3]"}.get(variant)
    calls.append(f"model.inverse_transform(L{extra or ''})")
    if hasattr(model, "sample"):
        calls.append("model.sample(2, random_state=0)")
        rows = cases.given(variant)
        calls.append(f"model.log_likelihood({rows}, n_samples=2, refine=0)")
    found = [np.asarray(eval(call, names), dtype=object) for call in calls]
    kept = sorted(vars(model)), torch.get_default_dtype(), torch.is_grad_enabled()
    text = repr([[v.tolist() for v in found], kept, model.n_iter_])
    return hashlib.sha256(text.encode()).hexdigest()[:12]


# --- results --------------------------------------------------------------------------


def check_result(case, names):
    """Judge what a case returned; after a fit, what the model answers."""
    result, model, value = names["result"], names["model"], names["value"]
    if case.kind in TABLES and loses_meaning(value):
        return Outcome("accepted", f"a {type(value).__name__} that loses its meaning")
    if case.method in ("fit", "partial_fit") and case.kind in TABLES:
        source = case.lines[-1].replace(f".{case.method}(", ".reconstruct(")
        result = eval(source.removeprefix("result = "), names)
    if case.method in ("fit", "partial_fit") and hasattr(model, "sample"):
        problem = unsound(model.sample(3, random_state=0), 3)
        if problem:
            return Outcome(*problem)
    if case.method in NUMERIC:
        problem = unsound(result, expected_rows(case, names))
        if problem:
            return Outcome(*problem)
    return Outcome("result")


TABLES = {*cases.inputs.KINDS, "latents"}
NUMERIC = {*cases.ASK, *cases.FIT, "inverse_transform", "sample", "edit", "translate"}


def expected_rows(case, names):
    """Number of rows that a result must have, or None if it is not known."""
    if case.method in ("score", "sample", "log_likelihood", "generate"):
        return None
    if case.kind == "n_imputations":  # its draws come first
        return None
    if case.kind not in TABLES:
        return 12
    value = names["value"]
    shape = getattr(value, "shape", None)
    known = bool(shape) and isinstance(shape[0], int)  # Dask counts rows when asked
    return shape[0] if known else len(value) if hasattr(value, "__len__") else None


def unsound(result, n_rows):
    """Return the fault of a result, if it has one: its shape, or a value."""
    if not isinstance(result, np.ndarray | np.generic | float | tuple):
        return None  # an estimator
    if isinstance(result, tuple):
        arrays = [np.asarray(result[0])]  # one draw has no standard error
    else:
        arrays = [np.asarray(result)]
    for array in arrays:
        if n_rows is not None and (array.ndim == 0 or len(array) != n_rows):
            return "shape", f"{array.shape} for {n_rows} rows"
        if array.dtype.kind == "f" and not np.isfinite(array).all():
            return "not finite", f"{array[~np.isfinite(array)][:3]}"
    return None


def loses_meaning(value):
    """Whether a table holds complex numbers, times or records."""
    if isinstance(value, torch.Tensor):
        return value.is_complex() or value.is_meta
    types = getattr(value, "dtypes", None)
    types = types if types is not None else [getattr(value, "dtype", None)]
    words = ("complex", "date", "time")
    if any(word in str(dtype).lower() for dtype in types for word in words):
        return True
    if getattr(getattr(value, "dtype", None), "names", None):
        return True
    cells = value.ravel() if isinstance(value, np.ndarray) else ()
    is_object = len(cells) and value.dtype == object
    return bool(is_object) and any(isinstance(v, complex) for v in cells)


# --- errors ---------------------------------------------------------------------------


def check_error(error):
    """Judge an error: by its type, and by the line that raised it."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    path, line = Path(frame.filename), (frame.line or "").lstrip()
    text = f"{type(error).__name__}: {str(error)[:300]}"
    where = f"{text} ({path.name}:{frame.lineno})"
    if frame.filename == VALUE:
        return Outcome("refused", "an error of the caller's own function")
    own = OWN in path.parents or path in VALIDATION
    raised = line.startswith("raise ")
    allowed = isinstance(error, ValueError | TypeError | FloatingPointError)
    called = frame.filename == FILE and isinstance(error, TypeError)
    if not (allowed and ((own and raised) or called)):
        return Outcome("depths", where)
    if len(str(error)) > LONGEST:
        return Outcome("message", f"{len(str(error))} characters ({where})")
    return Outcome("refused", text)


def quiet():
    """Ignore warnings, and use one thread, which is faster for small networks."""
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
