"""Figure of the latents of several models, coloured by task and by class."""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.manifold import TSNE

from skvae.plotting import LatentMapDisplay


def draw(points, path):
    """Save a figure with one column per model: top by task, bottom by class.

    Parameters
    ----------
    points : dict of str to (Z, class, task)
        Latents by model; the rows are the same for every model.
    path : path
        Image file.
    """
    figure, axes = plt.subplots(
        2, len(points), figsize=(4.4 * len(points), 8), layout="constrained"
    )
    for column, (model, (latents, classes, task)) in enumerate(points.items()):
        Z = TSNE(random_state=0).fit_transform(latents)  # (n, 2)
        named = "legend" if column == len(points) - 1 else None
        for ax, labels in zip(axes[:, column], (task, classes), strict=True):
            display = LatentMapDisplay(Z, y=labels, axis_names=("", ""))
            display.plot(ax, class_labels=named, scatter_kw={"s": 6})
            # In t-SNE the two axes have no common scale.
            ax.set(xticks=[], yticks=[], aspect="auto", adjustable="box")
            ax.autoscale()
        axes[0, column].set_title(model)
    figure.savefig(path, dpi=90)
    plt.close(figure)


def some_rows(tasks, n_most=1000):
    """Positions of the first rows of each task, equally many of each."""
    names, counts = np.unique(tasks, return_counts=True)
    n = min(n_most, counts.min())
    return np.concatenate([np.flatnonzero(tasks == task)[:n] for task in names])
