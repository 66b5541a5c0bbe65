"""Tables that say in words, or with their errors, what they hold; imported late."""

import math
import numbers
import textwrap

import pandas as pd

WIDTH = 88
MAX_ROWS = 60


def _three_digits(value):
    return f"{round(value, 3) + 0.0:.3f}"  # -0.0 becomes 0.0


def _with_error(mean, error):
    """Write a mean to the second digit of its standard error, where it has one."""
    if not isinstance(mean, numbers.Real):
        return str(mean)
    if math.isnan(mean):
        return ""
    if math.isnan(error) or error == 0:
        return f"{mean:.4g}"
    decimals = min(4, max(0, 1 - math.floor(math.log10(error))))
    return f"{mean:.{decimals}f} ± {error:.{decimals}f}"


class Diagnosis(pd.DataFrame):
    """A row a latent; above the table stands what it means."""

    _metadata = ["words"]  # kept by pandas where it copies

    @property
    def _constructor(self):
        return pd.DataFrame  # the words are about all latents, not about a part

    def __repr__(self):
        words = [textwrap.fill(line, WIDTH) for line in self.words.splitlines()]
        table = self.to_string(float_format=_three_digits, max_rows=MAX_ROWS)
        return "\n".join([*words, "", table])

    def _repr_html_(self):
        words = self.words.replace("\n", "<br>")
        return f"<p>{words}</p>{super()._repr_html_()}"


class Comparison(pd.DataFrame):
    """A row an estimator; shown with every mean beside its standard error."""

    @property
    def _constructor(self):
        return Comparison  # of chosen rows and columns, too

    def _shown(self):
        names = [name for name in self if not str(name).endswith("_se")]
        errors = self.reindex(columns=[f"{name}_se" for name in names])
        shown = [map(_with_error, self[n], errors[f"{n}_se"]) for n in names]
        columns = dict(zip(names, map(list, shown), strict=True))
        return pd.DataFrame(columns, index=self.index)

    def __repr__(self):
        return self._shown().to_string(max_rows=MAX_ROWS)

    def _repr_html_(self):
        return self._shown()._repr_html_()
