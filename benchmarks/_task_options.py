"""The models and the command line of the benchmark of task-invariant latents."""

from pathlib import Path

from benchmarks import _common as common
from benchmarks._task_tables import PAIRS, USPS
from skvae import CVAETransformer, TaskInvariantVAETransformer, VAETransformer

SHARES, INVARIANT = "shares", "invariant"  # settings beyond the paper
MODELS = {
    "VAE": (VAETransformer, ()),
    "CVAE": (CVAETransformer, ()),
    "task-invariant": (TaskInvariantVAETransformer, ()),
    "shares": (CVAETransformer, (SHARES,)),
    "invariant": (CVAETransformer, (SHARES, INVARIANT)),
    "invariant, prior": (TaskInvariantVAETransformer, (SHARES, INVARIANT)),
}
# The most important first, for --jobs.
ORDER = ("invariant", "CVAE", "task-invariant", "VAE", "shares", "invariant, prior")
QUICK = {
    "tables": ("digits",),
    "models": ("VAE", "CVAE", "task-invariant", "invariant"),
    "seeds": (0,),
    "epochs": 5,
    "kl_warmup": 2,
    "hidden": (64,),
    "n_components": 4,
    "critic_passes": 2,
    "n_samples": 20,
    "density_rows": 100,
}
FULL = {
    "seeds": (0, 1, 2, 3, 4),
    "epochs": 1000,
    "kl_warmup": 100,
    "lr": 1e-4,
    "patience": 100,
}


def options(argv, text):
    """The command line; --quick and --full only change the defaults."""
    parser = common.parser("task_invariant", text)
    add = parser.add_argument
    add("--full", action="store_true", help="5 seeds, 1000 epochs, lr 1e-4")
    add(
        "--tables",
        type=common.words,
        default=(*PAIRS, "faces"),
        help="separated by commas",
    )
    add("--models", type=names, default=ORDER, help="separated by commas")
    parser.set_defaults(seeds=(0, 1, 2))
    add("--epochs", type=int, default=100)
    add("--kl-warmup", type=int, default=20, help="epochs")
    add("--patience", type=int, default=20, help="epochs without improvement; 0: all")
    add("--lr", type=float, default=1e-3)
    add("--critic-lr", type=float, default=1e-3)
    add("--critic-passes", type=int, default=10)
    add(
        "--hidden",
        type=common.numbers,
        default=(500, 500, 500),
        help="e.g. 500,500,500",
    )
    add("--activation", default="tanh")
    add("--dropout", type=float, default=0.0)
    add("--n-components", type=int, default=40)
    add("--share", type=float, default=0.15, help="of the target's rows")
    add("--invariance", type=float, default=30.0, help="weight of I(S; Z)")
    add("--usps", choices=USPS, default="padded", help="how to enlarge USPS")
    add("--grey", action="store_true", help="do not draw the pixels of digits")
    add("--n-samples", type=int, default=100, help="importance samples per row")
    add("--density-rows", type=int, default=2000, help="test rows for the density")
    add(
        "--curves",
        action="store_true",
        help="record the held-out bound of every tenth epoch",
    )
    add("--picture", type=Path, help="save a figure of the last table's latents")
    add("--points", type=Path, help="save the latents of the last fit (.npz)")
    add("--deadline", type=float, help="end of training, in seconds since 1970")
    add("--jobs", type=int, help="processes side by side, one per fit")
    add("--plan", type=Path, help="file with the options of more fits per line")
    add("--minutes", type=float, default=60, help="time for all of them")
    add("--folder", type=Path, default=Path("task_invariant"), help="of their files")
    for flag, defaults in (("--full", FULL), ("--quick", QUICK)):
        if flag in argv:
            parser.set_defaults(**defaults)
    return parser.parse_args(argv)


def names(text):
    """Split names of models, one of which contains a comma."""
    joined = text.replace(", prior", "; prior").replace(",prior", "; prior")
    return tuple(part.replace("; prior", ", prior") for part in joined.split(","))


def settings(chosen, model):
    """Settings needed to fit the model again, without those that it does not have."""
    left_out = {"data", "quick", "full", "tables", "models", "write", "seeds"}
    left_out |= {
        "curves",
        "picture",
        "points",
        "deadline",
        "jobs",
        "minutes",
        "folder",
        "plan",
    }
    _, extras = MODELS[model]
    beyond = {SHARES: "share", INVARIANT: "invariance"}
    left_out |= {option for extra, option in beyond.items() if extra not in extras}
    found = {k: v for k, v in vars(chosen).items() if k not in left_out}
    return found | {"hidden": list(chosen.hidden), "batch_size": 100}
