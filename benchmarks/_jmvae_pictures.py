"""Figures of `benchmarks.jmvae`; faces are shown only if a model generated them."""

from copy import copy

import matplotlib.pyplot as plt
import numpy as np

from benchmarks._jmvae_models import IMAGE, LABEL, joint_model
from skvae.plotting import LatentMapDisplay

STEPS = (1, 10, 100)
FACES = {"JMVAE-kl": "", "JMVAE-kl weighted": "_weighted", "JMVAE-kl GAN": "_gan"}
ATTRIBUTES = ("Male", "Smiling", "Eyeglasses", "Blond_Hair", "Young", "Bangs")


def draw_all(fitted, pairs, rows, chosen):
    """Save the figures of the fitted models as PNG files."""
    folder = chosen.pictures
    folder.mkdir(parents=True, exist_ok=True)
    by_steps(rows, folder / f"jmvae_{pairs.name}_steps.png")
    if pairs.name == "celeba":
        for name, suffix in FACES.items():
            if name in fitted:
                path = folder / f"jmvae_celeba_attributes{suffix}.png"
                by_attribute(fitted[name], pairs, path)
                path = folder / f"jmvae_celeba_edits{suffix}.png"
                edited(fitted[name], pairs, path)
        return
    by_label(fitted, pairs, chosen, folder / f"jmvae_{pairs.name}_labels.png")
    in_the_plane(fitted, pairs, chosen, folder / f"jmvae_{pairs.name}_latents.png")


def by_label(fitted, pairs, chosen, path):
    """Pictures generated for each label, by number of iterations (fig. 3)."""
    lines = []
    for name, model in fitted.items():
        steps = (1,) if len(model.module_.experts) else STEPS
        for n in steps:
            model.set_params(n_iterations=min(n, chosen.iterations))
            title = name if len(steps) == 1 else f"{name}, {n}"
            lines.append((title, from_labels(model, pairs)))
        model.set_params(n_iterations=chosen.iterations)
    figure, axes = plt.subplots(
        len(lines), 1, figsize=(7, 0.8 * len(lines)), layout="constrained"
    )
    for ax, (title, pictures) in zip(np.atleast_1d(axes), lines, strict=True):
        ax.imshow(in_a_row(pictures, pairs), cmap="gray_r", vmin=0, vmax=1)
        ax.set_ylabel(title, rotation=0, ha="right", va="center")
        ax.set(xticks=[], yticks=[])
    save(figure, path)


def from_labels(model, pairs):
    """Mean of p(x | z) at one draw of z for each label, (10, pixels)."""
    table = np.full((10, pairs.train.shape[1]), 0.5, dtype="float32")
    table[:, pairs.modalities[LABEL]] = np.eye(10)
    return model.generate(table, IMAGE, random_state=0, mean=True)[0]


def by_steps(rows, path):
    """ln p(x | w) by number of iterations (fig. 4 and 7), if it was measured."""
    if not any(f"ln p(x|w), {STEPS[0]}" in row for row in rows):
        return
    figure, ax = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
    for row in rows:
        points = {
            int(name.rsplit(" ", 1)[1]): value
            for name, value in row.items()
            if name.startswith("ln p(x|w), ") and name.rsplit(" ", 1)[1].isdigit()
        }
        if points:
            ax.plot(list(points), list(points.values()), marker="o", label=row["model"])
        elif row["model"] == "JMVAE-kl":
            ax.axhline(row["ln p(x|w)"], linestyle="--", color="0.3", label="JMVAE-kl")
    ax.set(xscale="log", xlabel="iterations", ylabel="ln p(x | w), nats per row")
    ax.legend()
    save(figure, path)


def in_the_plane(fitted, pairs, chosen, path):
    """Two latents of test rows, from both modalities and from the label (fig. 5).

    Fits new models with two latents, for a third of the epochs.
    """
    chosen = copy(chosen)
    chosen.epochs = max(1, chosen.epochs // 3)
    test = pairs.test[:2000]
    blind = test.copy()
    blind[:, pairs.modalities[IMAGE]] = np.nan
    figure, axes = plt.subplots(
        2, len(fitted), figsize=(4.2 * len(fitted), 8), layout="constrained"
    )
    for column, name in enumerate(fitted):
        width = (64, 2) if name == "hierarchical" else 2
        model = joint_model(name, pairs, 0, chosen, n_components=width)
        for ax, table, said in zip(
            axes[:, column], (test, blind), ("x, w", "w"), strict=True
        ):
            display = LatentMapDisplay(
                model.transform(table), y=pairs.y_test[:2000], axis_names=("", "")
            )
            last = "legend" if column == len(fitted) - 1 else None
            display.plot(ax, class_labels=last, scatter_kw={"s": 6})
            ax.set_title(f"{name}, from {said}")
    save(figure, path)


# --- faces ----------------------------------------------------------------------------


def by_attribute(model, pairs, path, n=6):
    """Faces for random attributes, then with one of them set to 2 (fig. 8a)."""
    names = pairs.label_names
    random = np.random.default_rng(0)
    base = random.choice([-1.0, 1.0], size=pairs.train.shape[1] - pairs.n_pixels)
    lines = [("base", base)]
    for name in ATTRIBUTES:
        wanted = base.copy()
        wanted[names.index(name)] = 2.0
        lines.append((name, wanted))
    figure, axes = plt.subplots(len(lines), 1, figsize=(6, 7), layout="constrained")
    for ax, (name, attributes) in zip(axes, lines, strict=True):
        table = np.full((1, pairs.train.shape[1]), np.nan, dtype="float32")
        table[:, pairs.modalities[LABEL]] = attributes
        mean = model.impute(table)[:, pairs.modalities[IMAGE]]
        table[:, pairs.modalities[IMAGE]] = 0.0
        drawn = model.generate(table, IMAGE, n_samples=n, random_state=0, mean=True)
        ax.imshow(in_a_row(np.concatenate([mean, drawn[:, 0]]), pairs))
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        ax.set(xticks=[], yticks=[])
    axes[0].set_title("mean and generated faces for the attributes")
    save(figure, path)


def edited(model, pairs, path, n=8):
    """Generated faces with edited attributes (fig. 9 edits other pictures)."""
    names = pairs.label_names
    drawn = model.sample(n, random_state=1, mean=True).astype("float32")
    lines = [("generated", drawn)]
    for name in ATTRIBUTES[:4]:
        column = pairs.n_pixels + names.index(name)
        lines.append((name, model.edit(drawn, {column: 2.0}, IMAGE)))
    figure, axes = plt.subplots(len(lines), 1, figsize=(6, 4.5), layout="constrained")
    for ax, (name, table) in zip(axes, lines, strict=True):
        ax.imshow(in_a_row(table[:, pairs.modalities[IMAGE]], pairs))
        ax.set_ylabel(name, rotation=0, ha="right", va="center")
        ax.set(xticks=[], yticks=[])
    save(figure, path)


def in_a_row(pictures, pairs):
    """Join pictures side by side, (h, n w) or (h, n w, 3) in [0, 1]."""
    pictures = pictures.reshape(-1, *pairs.image_shape)
    if pictures.ndim == 3:
        return np.concatenate(list(pictures), axis=1)
    real = pairs.train[:, : pairs.n_pixels]
    low, high = real.min(), real.max()
    colours = (pictures.transpose(0, 2, 3, 1) - low) / (high - low)
    return np.concatenate(list(colours.clip(0, 1)), axis=1)


def save(figure, path):
    """Write a figure to a file, and close it."""
    figure.savefig(path, dpi=90)
    plt.close(figure)
