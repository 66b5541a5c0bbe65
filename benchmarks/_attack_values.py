"""Hostile parameters and arguments for `benchmarks.attack`, as expressions."""

from benchmarks._attack_lists import BODIES, COLUMNS, LIKELIHOODS, VALUES

SPECIAL = {
    "likelihood": LIKELIHOODS,
    "encoder": BODIES,
    "decoder": BODIES,
    "discriminator": BODIES,
    "condition_columns": COLUMNS,
    "prior": """
'vamp'
'standard-normal'
StandardNormal
VampPrior(n_pseudo_inputs={})
DensityRatio({})
DensityRatio((3,), n_passes={})
DensityRatio((3,), lr={}, n_passes=1, n_kept=5)
DensityRatio((3,), n_kept={}, n_passes=1)
DensityRatio((3,), dropout={}, n_passes=1, n_kept=5)
DensityRatio((3,), activation={}, n_passes=1, n_kept=5)
""".strip().splitlines(),
    "modalities": """
{'left': {}}
{'left': {}, 'right': slice(2, 4)}
{'left': slice(0, 2), 'right': slice(2, 4), 'none': []}
{'': slice(None)}
{'a.b': slice(None)}
{'left': slice(0, 3), 'right': slice(2, 4)}
{1: slice(None)}
{None: slice(None)}
{b'a': slice(None)}
{'a' * 10**6: slice(0, 3)}
[slice(None)]
'left'
{'_': [0, 2], '__class__': [1, 3]}
""".strip().splitlines(),
    "modality_weights": """
{'left': {}}
{'left': {}, 'right': {}}
{'middle': 1.0}
{'left': 0, 'right': 0}
{'left': 1e300}
{1: 1.0}
""".strip().splitlines(),
    "image": ["'left'", "'middle'", "1", "('left',)"],
    "optimizer": """
'sgd'
'adamw'
'rmsprop'
'ADAM'
torch.optim.SGD
torch.optim.LBFGS
torch.optim.SparseAdam
torch.optim.Adagrad
torch.optim.Rprop
torch.optim.Optimizer
torch.optim.Adam([torch.zeros(1, requires_grad=True)])
functools.partial(torch.optim.Adam, betas=(2, 2))
functools.partial(torch.optim.SGD, momentum=0.9)
torch.optim.lr_scheduler.StepLR
lambda params, lr: torch.optim.SGD(params, lr=lr)
lambda *args, **kwargs: None
torch.nn.Linear
dict
""".strip().splitlines(),
    "device": """
'cpu'
'cpu:0'
'cpu:1'
'cpu:-1'
'cuda'
'cuda:99'
'meta'
'mps'
'xla'
'privateuseone'
'auto '
torch.device('meta')
0
""".strip().splitlines(),
    "dtype": ["'float16'", "'float64'", "'auto'", "'bfloat16'", "torch.float64"],
    "callbacks": """
[1]
[None]
['a']
[skorch.callbacks.Callback]
[skorch.callbacks.Callback()]
[('a', skorch.callbacks.Callback())]
[('a', skorch.callbacks.Callback()), ('a', skorch.callbacks.Callback())]
[('skvae_x', skorch.callbacks.Callback())]
[skorch.callbacks.EpochScoring]
[skorch.callbacks.LRScheduler('StepLR')]
[skorch.callbacks.LRScheduler(policy='StepLR', step_size=1)]
[skorch.callbacks.GradientNormClipping({})]
[skorch.callbacks.EarlyStopping(patience={})]
[skorch.callbacks.Freezer('a')]
skorch.callbacks.Callback()
""".strip().splitlines(),
    "net_params": """
{'a': {}}
{'lr': {}}
{'batch_size': {}}
{'max_epochs': {}}
{'optimizer': {}}
{'optimizer__lr': {}}
{'optimizer__betas': {}}
{'optimizer__weight_decay': {}}
{'module': {}}
{'module__a': {}}
{'criterion': {}}
{'iterator_train': {}}
{'iterator_valid': {}}
{'iterator_train__batch_size': {}}
{'dataset': {}}
{'train_split': {}}
{'callbacks': {}}
{'callbacks__a': {}}
{'warm_start': {}}
{'verbose': {}}
{'device': {}}
{'compile': 'yes'}
{'use_caching': {}}
{'torch_load_kwargs': {}}
{'predict_nonlinearity': {}}
{'seed': {}}
{'binarize': {}}
{1: 2}
{None: None}
""".strip().splitlines(),
    "random_state": ["np.random", "'a'", "np.random.RandomState(0)", "2**32", "-1"],
    "taps": ["(0,)", "(1, 2)", "(-1, 0)", "(5,)", "(0, 0)", "'a'", "[0, 1]"],
    "paths": ["1", "(1,)", "[Dense((3,))]", "[Dense((3,)), Dense((3,))]", "'a'"],
    "layers": ["'top'", "'all'", "'bottom'", "0", "[0]"],
    "activation": ["'tanh'", "'relu '", "torch.nn.ReLU", "torch.relu"],
    "init": ["'pca'", "'random'", "'PCA'"],
    "gradient": ["'straight-through'", "'target-propagation'", "'GUMBEL'"],
    "output": ["'codes'", "'one-hot'", "'CODES'"],
    "condition_encoding": ["'passthrough'", "'ordinal'"],
    "handle_unknown": ["'ignore'", "'use'"],
    "empty_rows": ["'prior'", "'drop'"],
    # Arguments of methods.
    "modality": ["'left'", "'right'", "'middle'"],
    "method": ["'elbo'", "'ais'", "'importance'", "'AIS'"],
    "changes": """
{0: {}}
{'a': {}}
{2: 0.5}
{4: 0.5}
{-1: 0.5}
{None: 0.5}
{(0, 1): 0.5}
{True: 0.5}
{2: 1e300}
{2: -1e39}
{b'a': 1}
""".strip().splitlines(),
}
# Numbers of passes, draws or steps: a large one is legal, and would take days.
LOOPS = {
    "max_epochs",
    "n_critic_passes",
    "n_burn_in",
    "n_draws",
    "n_leapfrog",
    "n_updates",
    "n_iterations",
    "n_importance_samples",
    "n_samples",
    "n_temperatures",
    "refine",
    "n_kept",
}
ENDLESS = {"10**18", "2**31", "2**63", "10**400"}


def value(random, name):
    """Draw an expression for a parameter or an argument of this name."""
    special = SPECIAL.get(name, ())
    if special and random.random() < 0.7:
        inner = SPECIAL["condition_columns"] if name in OF_COLUMNS else VALUES
        found = str(random.choice(special))
        return found.replace("{}", str(random.choice(_ending(inner, found))))
    return str(random.choice(_ending(VALUES, name)))


OF_COLUMNS = {"modalities"}


def _ending(values, name):
    """Leave out numbers with which a loop would not end."""
    loops = any(word in name for word in (*LOOPS, "n_passes", "n_pseudo"))
    return [v for v in values if not (loops and v in ENDLESS)]
