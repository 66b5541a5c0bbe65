"""Hostile values that `benchmarks._attack_values` draws from, as expressions."""

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
