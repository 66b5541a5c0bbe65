"""Data frames with their own display; imported only if pandas is needed."""

import html
import math
import numbers
import textwrap

import pandas as pd

WIDTH = 88
MAX_ROWS = 60


def _three_digits(value):
    return f"{round(value, 3) + 0.0:.3f}"  # -0.0 becomes 0.0


def _with_error(mean, error):
    """Format a mean to the second digit of its standard error, if there is one."""
    if not isinstance(mean, numbers.Real):
        return str(mean)
    if math.isnan(mean):
        return ""
    if math.isnan(error) or error == 0:
        return f"{mean:.4g}"
    decimals = min(4, max(0, 1 - math.floor(math.log10(error))))
    return f"{mean:.{decimals}f} ± {error:.{decimals}f}"


def _filled(sentences):
    return [textwrap.fill(sentence, WIDTH) for sentence in sentences]


def _paragraph(sentences):
    return f"<p>{'<br>'.join(map(html.escape, sentences))}</p>"


class Diagnosis(pd.DataFrame):
    """One row per latent, displayed below a summary in words."""

    _metadata = ["words"]  # kept by pandas in copies

    @property
    def _constructor(self):
        return pd.DataFrame  # the summary does not fit a part of the table

    def __repr__(self):
        words = _filled(self.words.splitlines())
        table = self.to_string(float_format=_three_digits, max_rows=MAX_ROWS)
        return "\n".join([*words, "", table])

    def _repr_html_(self):
        return f"{_paragraph(self.words.splitlines())}{super()._repr_html_()}"


class Comparison(pd.DataFrame):
    """One row per estimator, displayed as means ± standard errors, with notes."""

    @property
    def _constructor(self):
        return Comparison  # also for selected rows and columns

    def _shown(self):
        names = [name for name in self if not str(name).endswith("_se")]
        errors = self.reindex(columns=[f"{name}_se" for name in names])
        shown = [map(_with_error, self[n], errors[f"{n}_se"]) for n in names]
        columns = dict(zip(names, map(list, shown), strict=True))
        return pd.DataFrame(columns, index=self.index)

    def _notes(self):
        """Return what to say about the log-likelihoods, if they are in the table."""
        return self.attrs.get("notes", []) if "log_likelihood" in self else []

    def __repr__(self):
        table = self._shown().to_string(max_rows=MAX_ROWS, line_width=WIDTH)
        said = _filled(self._notes())
        return "\n".join([table, "", *said] if said else [table])

    def _repr_html_(self):
        table, said = self._shown()._repr_html_(), self._notes()
        return f"{table}{_paragraph(said)}" if said else table
