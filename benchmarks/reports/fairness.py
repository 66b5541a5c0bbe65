"""Page of the benchmark of features without a sensitive column."""

from benchmarks.reports import Report, pick

COLUMNS = {
    "features": "features",
    "sex accuracy, linear": "sex, linear",
    "sex accuracy, boosting": "sex, boosting",
    "sex AUC, boosting": "AUC, boosting",
    "income AUC, linear": "income AUC, linear",
    "income AUC, boosting": "income AUC, boosting",
}


def tables(record):
    chance = {row["majority"] for row in record["rows"]}
    caption = f"Accuracy for sex (by guessing: {max(chance):.3f}), and AUC"
    return {caption: pick(record["rows"], COLUMNS)}


REPORT = Report(
    title="Features without the sex of the person",
    asked="""\
How well do two predictors find the sex in features of adult, and how well do they
predict the income? "columns" are all columns but the sex, "linear" these less their
linear prediction from the sex, as by fairlearn's `CorrelationRemover`. "CVAE" are
latents of a model that is given the sex, with several weights of I(S; Z), the parameter
`invariance`: the posterior means of `transform`, and draws from the posteriors, to
which the weight refers. Predictors are a logistic regression and gradient boosting.""",
    tables=tables,
)
