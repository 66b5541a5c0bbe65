"""Interrupts, kills and threads at random moments, for `benchmarks.attack`."""

import os
import pickle
import signal
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from sklearn.model_selection import GridSearchCV

import skvae
from benchmarks import _attack_cases as cases
from benchmarks._attack_judge import digest, namespace

INTERRUPTED = ("VAETransformer", "CVAETransformer", "JMVAEGANTransformer")
N_THREADS, N_ASKED = 8, 40


class Moments:
    """Attacks at random moments.

    Each method returns how many signals arrived in time, or how many rounds there were,
    and the faults as sentences.
    """

    def __init__(self, seed):
        self.random = np.random.default_rng(seed)
        self.names = namespace()

    def model(self, name, **params):
        """Return an unfitted small model, with enough epochs to be interrupted."""
        made = eval(f"{name}({cases.arguments(name, 'plain')})", self.names)
        return made.set_params(max_epochs=20, **params)

    def digest(self, model):
        return digest(model, "plain", self.names)

    def interrupts(self, n_moments):
        """SIGINT in `fit`: unfitted, as before, or fitted and useful."""
        arrived, faults, X = 0, [], self.names["X"]
        for number in range(n_moments):
            name = INTERRUPTED[number % len(INTERRUPTED)]
            model, refits = self.model(name), bool(number % 2)
            before = self.digest(model.fit(X)) if refits else None
            usual = _seconds(lambda name=name: self.model(name).fit(X))
            with interrupted(self.random.uniform(0, usual)) as was:
                model.fit(2 * X)
            arrived += was.arrived
            if was.swallowed:
                faults.append(f"{name}.fit swallowed SIGINT")
            elif was.arrived:
                faults += self._after_interrupt(name, model, before)
        return arrived, faults

    def _after_interrupt(self, name, model, before):
        whole = {**model.get_params(deep=False)}
        if before is None and vars(model).keys() == whole.keys():
            return []  # unfitted, as it was
        try:
            now = self.digest(model)
        except Exception as error:
            return [f"{name} after SIGINT: {error!r}"]
        if now != before and not 1 <= model.n_iter_ <= 20:
            return [f"{name} has {model.n_iter_} epochs after SIGINT"]
        return [] if _global_state() == USUAL else [f"{name} left {_global_state()}"]

    def searches(self, n_moments):
        """SIGINT in a grid search: it ends, and the next one is as ever."""
        arrived, faults, X = 0, [], self.names["X"]
        grid = {"n_components": [1, 2], "lr": [1e-3, 1e-2]}

        def search():
            return GridSearchCV(self.model("VAETransformer"), grid, cv=2).fit(X)

        usual, expected = _seconds(search), search().cv_results_["mean_test_score"]
        for _ in range(n_moments):
            with interrupted(self.random.uniform(0, 0.9 * usual)) as was:
                search()
            arrived += was.arrived
            if was.swallowed:
                faults.append("a search swallowed SIGINT")
            if _global_state() != USUAL:
                faults.append(f"a search left {_global_state()}")
        if not np.array_equal(search().cv_results_["mean_test_score"], expected):
            faults.append("a search has other results after SIGINT")
        return arrived, faults

    def kills(self, n_moments):
        """SIGKILL while a process saves: the file is the old or the new one."""
        X, arrived, faults = self.names["X"], 0, []
        models = [self.model("VAETransformer", random_state=i).fit(X) for i in (0, 1)]
        known = {self.digest(model) for model in models}
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.skvae"
            usual = _seconds(lambda: [model.save(path) for model in models])
            for _ in range(n_moments):
                was_killed = self._kill(models, path, usual)
                arrived += was_killed
                if not was_killed:
                    faults.append("save failed by itself")
                faults += self._after_kill(path, known)
            models[0].save(path)
            left = sorted(p.name for p in Path(folder).iterdir() if p != path)
        return arrived, faults + [f"{name} stays after a save" for name in left]

    def _after_kill(self, path, known):
        try:
            now = self.digest(skvae.load(path))
        except Exception as error:
            return [f"a killed save: {error!r}"]
        return [] if now in known else ["a killed save left another model"]

    def _kill(self, models, path, usual):
        """Kill a process that saves; return whether it was still saving."""
        child = os.fork()
        if child == 0:
            try:
                while True:
                    for model in models:
                        model.save(path)
            finally:  # never go on with what the parent does
                os._exit(1)
        time.sleep(self.random.uniform(0, 3 * usual))
        os.kill(child, signal.SIGKILL)
        return os.WIFSIGNALED(os.waitpid(child, 0)[1])

    def threads(self, n_rounds):
        """Eight threads ask one model, copy and pickle it: all answers are equal."""
        faults, X = [], self.names["X"]
        for number in range(n_rounds):
            name = [*cases.CLASSES][number % len(cases.CLASSES)]
            model = self.model(name).fit(X)
            expected = self.digest(model)

            def ask(turn, model=model):
                found = pickle.loads(pickle.dumps(model)) if turn % 4 == 0 else model
                return self.digest(found)

            with ThreadPoolExecutor(N_THREADS) as pool:
                try:
                    answers = set(pool.map(ask, range(N_ASKED)))
                except Exception as error:
                    answers = {repr(error)}
            faults += [f"{name} in threads: {a}" for a in answers - {expected}]
        return n_rounds, faults


class Signal:
    """Whether SIGINT has arrived, and whether what ran has gone on nevertheless."""

    arrived = swallowed = False


@contextmanager
def interrupted(seconds):
    """Send SIGINT to this process after some seconds; yield a `Signal`."""
    found = Signal()

    def interrupt(*args):
        found.arrived = True
        signal.default_int_handler(*args)

    def send(*args):
        os.kill(os.getpid(), signal.SIGINT)

    before = signal.signal(signal.SIGINT, interrupt)
    timer = signal.signal(signal.SIGALRM, send)
    signal.setitimer(signal.ITIMER_REAL, max(seconds, 1e-4))
    try:
        yield found
        signal.setitimer(signal.ITIMER_REAL, 0)
        found.swallowed = found.arrived
    except KeyboardInterrupt:
        pass
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, timer)
        signal.signal(signal.SIGINT, before)


def _global_state():
    return torch.get_default_dtype(), torch.is_grad_enabled(), torch.get_num_threads()


USUAL = (torch.float32, True, 1)


def _seconds(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start
