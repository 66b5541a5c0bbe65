"""Hostile parameters and arguments for `benchmarks.attack`, as expressions."""

VALUES = """
None
True
np.True_
0
-1
1
2
3
-0.0
0.5
1.5
-1e-3
1e-320
1e300
np.nan
np.inf
-np.inf
10**18
2**31
2**63
-2**63
10**400
-10**400
1j
Fraction(1, 2)
Fraction(10**400, 3)
Decimal('0.5')
Decimal('sNaN')
np.float16(0.5)
np.float32(0.5)
np.longdouble(0.5)
np.int8(3)
np.uint64(3)
np.datetime64('2020')
np.array(3)
np.array(0.5)
np.array([3])
np.array([0.5, 0.5])
torch.tensor(3)
torch.tensor(0.5)
torch.tensor(0.5, requires_grad=True)
torch.tensor(1j)
torch.tensor(0.5, device='meta')
'a'
''
'a' * 10**6
'\\x1b[31m'
'None'
b'a'
[]
()
dict()
set()
[1]
[3, 2]
(3, 2)
(2, 2)
(0,)
(1.5,)
('a',)
(True,)
(10**18,)
[[]]
[None]
(None, None)
{'a': 1}
{1: 'a'}
{'left': 1}
{'left': 2, 'right': 3}
range(2)
range(10**12)
iter([1])
(c for c in 'ab')
slice(None)
slice('a', 'b')
slice(0.5, 2)
object()
object
int
len
lambda *args: None
lambda *args, **kwargs: 1 / 0
lambda n: torch.nn.Linear(n, 3)
torch.nn.Linear
torch.nn.Linear(4, 3)
torch.nn.LazyLinear(3)
torch.nn.Identity()
torch.device('cpu')
torch.float32
np.float32
pd.NA
pd.NaT
pd.Series([1, 2])
pd.Index(['a', 'b'])
np.random.default_rng(0)
np.random.RandomState(0)
datetime(2020, 1, 1)
""".strip().splitlines()

BODIES = """
torch.nn.Linear(4, 3)
torch.nn.Linear(5, 3)
torch.nn.Linear(2, 3).double()
torch.nn.Linear(2, 3).to('meta')
torch.nn.Sequential()
torch.nn.LazyLinear(3)
torch.nn.BatchNorm1d(4)
torch.nn.Conv2d(1, 1, 1)
torch.nn.Flatten(0)
torch.nn.LSTM(4, 3)
torch.nn.Embedding(4, 3)
torch.nn.Linear
torch.nn.ReLU
lambda n: torch.nn.Linear(n, 3)
lambda n: torch.nn.Linear(n, 0)
lambda n: torch.nn.Linear(n, 3).half()
lambda n: torch.nn.Linear
lambda n: lambda x: x
lambda n: None
lambda: None
lambda n: 1 / 0
lambda n: torch.nn.Sequential(torch.nn.Linear(n, 3), torch.nn.LSTM(3, 2))
lambda n: torch.jit.script(torch.nn.Linear(n, 3))
Dense((3,))
Dense(())
Dense((0,))
Dense('a')
Dense(None)
ConvEncoder((1, 2, 2))
ConvEncoder((1, 2, 2), channels=(2,))
ConvEncoder((1, 1, 4), channels=(2, 2))
ConvEncoder((1, 3, 3))
ConvEncoder('a')
ConvDecoder((1, 2, 2))
ConvDecoder((1, 2, 2), channels=())
ConvDecoder((1, -2, -2))
{'left': Dense((3,)), 'right': Dense((3,))}
{'left': Dense((3,))}
{'left': 1, 'right': 2}
{'left': torch.nn.Linear, 'right': torch.nn.Linear}
{'left': None, 'right': lambda n: torch.nn.Linear(n, 3)}
[Dense((3,)), Dense((3,))]
""".strip().splitlines()

LIKELIHOODS = """
'gaussian'
'gaussian-unit'
'bernoulli'
'categorical'
'codes'
'poisson'
'auto'
'normal'
Gaussian
Bernoulli()
Categorical()
Codes()
Poisson()
Gaussian(scale={})
Gaussian(mean={})
Gaussian(scale='row', mean='tanh')
Gaussian(scale='column', mean='sigmoid')
Gaussian(scale=1e-320)
Gaussian(scale=1e300)
[]
[()]
[[]]
[1]
['gaussian']
[('gaussian',)]
[('gaussian', slice(0, 4), 1)]
[('gaussian', {})]
[('gaussian', slice(0, 2)), ('bernoulli', slice(2, 4))]
[('gaussian', slice(0, 2)), ('codes', [2, 3])]
[('poisson', slice(0, 2)), ('categorical', [2, 3])]
[('gaussian', [0, 1, 2, 3, 0])]
[('gaussian', lambda X: [0, 1, 2, 3])]
[('gaussian', lambda X: 1 / 0)]
[(Gaussian(scale={}), slice(None))]
[([('gaussian', slice(None))], slice(None))]
{'left': 'gaussian', 'right': 'bernoulli'}
{'left': 'codes', 'right': {}}
{'left': 'gaussian'}
{1: 'gaussian'}
""".strip().splitlines()

COLUMNS = """
[0]
0
-1
[3, 3]
[4]
[-5]
'a'
['a']
[b'a']
[None]
[[0]]
[0.0]
[True, False, False, False]
[True]
np.array([3])
np.array([[3]])
np.array([0.5])
torch.tensor([3])
pd.Index([3])
pd.Series([3])
slice(0, 4)
slice(3, None)
slice('a', 'b')
slice(None, None, 0)
slice(None, None, -1)
slice(0.5, 2)
range(2)
iter([3])
(j for j in [3])
lambda X: [3]
lambda X: 1 / 0
lambda X: None
lambda X: X
lambda: [3]
make_column_selector(dtype_include=float)
10**400
[10**400]
{3}
{3: 3}
()
''
np.nan
pd.NA
""".strip().splitlines()

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
