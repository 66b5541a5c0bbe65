"""Tables that say in words, or with their errors, what they hold; imported late."""

import textwrap

import pandas as pd

WIDTH = 88
MAX_ROWS = 60


def _three_digits(value):
    return f"{round(value, 3) + 0.0:.3f}"  # -0.0 becomes 0.0


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
        return pd.DataFrame

    def _shown(self):
        names = [name for name in self.columns if not name.endswith("_se")]
        shown = {name: self[name].map("{:.4g}".format) for name in names}
        for name in names:
            if f"{name}_se" in self:
                error = self[f"{name}_se"].map(" ± {:.2g}".format)
                shown[name] = shown[name] + error.replace(" ± nan", "")
        return pd.DataFrame(shown).replace("nan", "")

    def __repr__(self):
        return self._shown().to_string(max_rows=MAX_ROWS)

    def _repr_html_(self):
        return self._shown()._repr_html_()
