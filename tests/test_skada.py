"""Models as sources of features behind the splitters and scorers of skada."""

import numpy as np
import pytest
from instances import small
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_validate

from skvae import CVAETransformer, TaskInvariantVAETransformer
from skvae.datasets import make_task_gaussians

skada = pytest.importorskip("skada")


@pytest.mark.parametrize("cls", [CVAETransformer, TaskInvariantVAETransformer])
def test_skadas_splitters_and_scorers_judge_latents(cls):
    """As if the model and the classifier of the source had been fitted by hand."""
    from skada.metrics import SupervisedScorer
    from skada.model_selection import SourceTargetShuffleSplit

    truth = make_task_gaussians([150, 100], noise=0.3, random_state=0)
    y = (truth.latents[:, 0] > 0).astype(int)
    domain = np.where(truth.task == 0, 1, -2)  # the target has a negative number
    table = np.column_stack([truth.data, domain])
    hidden = np.where(domain < 0, -1, y)  # the labels of the target
    model = small(cls, n_components=2, condition_columns=[-1], init="pca")
    splitter = SourceTargetShuffleSplit(n_splits=2, test_size=0.4, random_state=0)
    splits = list(splitter.split(table, hidden, domain))
    found = cross_validate(
        skada.make_da_pipeline(model, LogisticRegression()),
        table,
        hidden,
        params={"sample_domain": domain, "target_labels": y},
        cv=splits,
        scoring=SupervisedScorer(),
        error_score="raise",
    )
    for score, (train, test) in zip(found["test_score"], splits, strict=True):
        alone = clone(model).fit(table[train])
        source, target = train[domain[train] > 0], test[domain[test] < 0]
        classifier = LogisticRegression()
        classifier.fit(alone.transform(table[source]), y[source])
        expected = classifier.score(alone.transform(table[target]), y[target])
        assert score == pytest.approx(expected)
