"""Hostile tables, latents and conditions for `benchmarks.attack`, as expressions.

A value is drawn as Python source, so that a finding is printed as lines that reproduce
it. An expression that cannot be evaluated, such as the transpose of a generator, is
drawn again by the caller.
"""

# Tables to begin with. `X` stands for the valid table of 12 rows and 4 columns.
STARTS = """
X
X[:1]
X[:0]
X[:, :3]
X[:, :0]
X[:, [0, 1, 2, 3, 0]]
X[0]
X[0, 0]
X[None]
X[..., None]
np.zeros((12, 4))
np.zeros((0, 0))
np.ones((1, 4))
np.full((12, 4), np.inf)
np.full((12, 4), np.nan)
np.tile(X, (30, 1))
""".strip().splitlines()

# Numbers of other sizes and signs, or with single cells that are not valid.
NUMBERS = """
{} * 1e300
{} * 1e38
{} * 1e20
{} * 1e-40
{} * 1e-320
{} * -1
{} * 255
{} + 1e9
{} + 1e17
np.round({})
np.where(np.eye(12, 4) > 0, np.nan, {})
np.where(np.eye(12, 4) > 0, np.inf, {})
np.where(np.eye(12, 4) > 0, -np.inf, {})
np.where(np.eye(12, 4) > 0, 1e308, {})
np.where(np.eye(12, 4) > 0, 1e39, {})
np.where(np.eye(12, 4) > 0, -0.0, {})
np.where(np.arange(12)[:, None] > 10, np.nan, {})
np.where(np.arange(4) > 1, np.nan, {})
np.where(np.add.outer(np.arange(12), np.arange(4) // 2) % 2, np.nan, {})
""".strip().splitlines()

DTYPES = """
bool
int8
uint8
int64
uint64
float16
float32
longdouble
>f8
<f4
>i2
object
S8
U8
V8
complex64
complex128
clongdouble
datetime64[s]
datetime64[ns]
timedelta64[D]
""".strip().splitlines()

LAYOUTS = """
np.asfortranarray({})
np.array({})[::-1]
np.array({})[:, ::-1]
np.array({})[::2]
np.repeat({}, 2, axis=0)[::2]
np.broadcast_to({}, (12, 4))
np.lib.stride_tricks.sliding_window_view(np.ravel({}), 4)
np.frombuffer(np.asarray({}).tobytes()).reshape(-1, 4)
np.memmap(tempfile.TemporaryFile(), shape=(12, 4), dtype='>f4', mode='w+') + {}
np.array({}).T
np.matrix({})
np.array({})[()]
np.array({}).reshape(-1, 2, 2)
np.array({}).view(np.recarray)
""".strip().splitlines()

MASKS = """
np.ma.array({})
np.ma.array({}, mask=X > 0.5)
np.ma.masked_less({}, 0.1)
np.ma.masked_all((12, 4))
np.ma.array({}).astype(object)
""".strip().splitlines()

STRUCTURES = """
np.zeros(12, dtype='f8,i4')
np.zeros((12, 4), dtype='f8,i4')
np.rec.fromarrays(X.T)
np.array({}).astype(np.dtypes.StringDType())
""".strip().splitlines()

OBJECTS = """
np.where(np.eye(12, 4) > 0, None, {})
np.where(np.eye(12, 4) > 0, 'a', np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, '', np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, 10**400, np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, 2**63, np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, 1j, np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, Decimal('NaN'), np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, Decimal('sNaN'), np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, Fraction(1, 3), np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, np.datetime64('2020'), np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, datetime(2020, 1, 1), np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, pd.NA, np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, pd.NaT, np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, pd.Timestamp('2020'), np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, b'a', np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, object(), np.asarray({}, dtype=object))
np.where(np.eye(12, 4) > 0, torch.tensor(0.5), np.asarray({}, dtype=object))
np.array([[[1, 2]] * 4] * 12, dtype=object)
np.array([[{'a': 1}] * 4] * 12, dtype=object)
""".strip().splitlines()

CONTAINERS = """
np.array({}).tolist()
tuple(map(tuple, {}))
[*np.array({}).tolist(), [1.0]]
[*np.array({}).tolist(), 'abcd']
[dict(enumerate(row)) for row in {}]
list(map(str, {}))
set(map(tuple, {}))
dict(enumerate({}))
(row for row in {})
iter({})
map(list, {})
memoryview(np.ascontiguousarray({}))
array.array('d', np.ravel({}))
range(12)
None
True
7
'text'
b'bytes'
[]
[[]]
[[[]]]
dict()
()
[None] * 12
[[None] * 4] * 12
['a'] * 12
[['a'] * 4] * 12
object()
object
len
np.float64(3)
datetime(2020, 1, 1)
""".strip().splitlines()

FRAMES = """
pd.DataFrame({})
pd.DataFrame({}, columns=list('abcd'))
pd.DataFrame({}, columns=list('aabb'))
pd.DataFrame({}, columns=list('dcba'))
pd.DataFrame({}, columns=[0, 'a', 1, 'b'])
pd.DataFrame({}, columns=[('a', 1), ('a', 2), ('b', 1), ('b', 2)])
pd.DataFrame({}, columns=pd.MultiIndex.from_product([['a', 'b'], [1, 2]]))
pd.DataFrame({}, columns=['', ' ', 'x\\n', 'é'])
pd.DataFrame({}, columns=[None, np.nan, 'a', b'b'])
pd.DataFrame({}, columns=pd.date_range('2020', periods=4))
pd.DataFrame({}, columns=pd.Categorical(list('abcd')))
pd.DataFrame({}, index=[0] * 12)
pd.DataFrame({}).astype(object)
pd.DataFrame({}).astype('Float64')
pd.DataFrame({}).round().astype('Int64')
pd.DataFrame({}).astype('boolean')
pd.DataFrame({}).astype('string')
pd.DataFrame({}).astype('category')
pd.DataFrame({}).round().astype('category')
pd.DataFrame({}).astype('float64[pyarrow]')
pd.DataFrame({}).astype('datetime64[ns]')
pd.DataFrame({}).astype('timedelta64[s]')
pd.DataFrame({}).astype('complex128')
pd.DataFrame({}).astype(pd.SparseDtype('float64'))
pd.DataFrame({}).astype('Float64').mask(X > 0.5)
pd.DataFrame({}).mask(X > 0.5, pd.NA)
pd.DataFrame({}).map(lambda v: pd.Interval(0, 1 + abs(v)))
pd.DataFrame({}).apply(pd.to_datetime, unit='s', utc=True)
pd.DataFrame({}).iloc[:, 0]
pd.DataFrame({}).T
pd.Index(np.ravel({}))
pd.array(np.ravel({}))
pl.DataFrame({})
pl.DataFrame({}).lazy()
pl.DataFrame({}).to_series()
pl.DataFrame({}).cast(pl.String)
pl.DataFrame({}).cast(pl.Decimal(20, 3))
pl.DataFrame({}).cast(pl.Date, strict=False)
pl.DataFrame({}).with_columns(column_0=pl.lit(None))
pl.DataFrame({}).with_columns(column_0=pl.lit([1.0]))
pa.table(pd.DataFrame({}))
dd.from_pandas(pd.DataFrame({}), npartitions=2)
da.from_array({})
""".strip().splitlines()

SPARSE = """
sp.csr_matrix({})
sp.csc_matrix({})
sp.csr_array({})
sp.coo_array({})
sp.coo_array({}[0])
sp.dok_array({})
sp.lil_array({})
sp.bsr_array({})
sp.dia_array({})
sp.csr_array({}).astype(bool)
sp.csr_array({}).astype(complex)
sp.csr_array(({}.ravel(), np.tile(range(4), 12), range(0, 49, 4)), (12, 4))
sp.csr_array((12, 4))
sp.csr_array((0, 4))
""".strip().splitlines()

TENSORS = """
torch.as_tensor({})
torch.as_tensor({}).float()
torch.as_tensor({}).half()
torch.as_tensor({}).bfloat16()
torch.as_tensor({}).to(torch.float8_e4m3fn)
torch.as_tensor({}).bool()
torch.as_tensor({}).to(torch.uint8)
torch.as_tensor({}).long()
torch.as_tensor({}).to(torch.complex64)
torch.as_tensor({}).to(torch.complex64).conj()
torch.as_tensor({}).to(torch.complex32)
torch.complex(torch.as_tensor({}), torch.as_tensor({})).imag
torch.as_tensor({}).requires_grad_()
torch.nn.Parameter(torch.as_tensor({}))
torch.as_tensor({}).to_sparse()
torch.as_tensor({}).to_sparse_csr()
torch.as_tensor({}).float().to_mkldnn()
torch.as_tensor({}).to('meta')
torch.as_tensor({}).refine_names('rows', 'columns')
torch.as_tensor({}).T
torch.as_tensor({}).expand(12, 4)
torch.as_tensor({})[0, 0]
torch.as_tensor({}).unsqueeze(0)
torch.quantize_per_tensor(torch.as_tensor({}).float(), 0.1, 0, torch.qint8)
torch.nested.nested_tensor(list(torch.as_tensor({})))
torch.nested.nested_tensor([torch.rand(4), torch.rand(3)])
list(torch.as_tensor({}))
[torch.as_tensor({}).requires_grad_()[0]] * 12
""".strip().splitlines()

CASTS = [f"np.asarray({{}}).astype({name!r})" for name in DTYPES]
KINDS = {
    "numbers": NUMBERS,
    "dtypes": CASTS,
    "layouts": LAYOUTS,
    "masks": MASKS,
    "structures": STRUCTURES,
    "objects": OBJECTS,
    "containers": CONTAINERS,
    "frames": FRAMES,
    "sparse": SPARSE,
    "tensors": TENSORS,
}


def table(random):
    """Draw an expression for a table; return it with its kind."""
    start = random.choice(STARTS) if random.random() < 0.3 else "X"
    kind = str(random.choice([*KINDS]))
    wraps = [random.choice(NUMBERS)] if random.random() < 0.3 else []
    wraps += [random.choice(KINDS[kind])]
    if random.random() < 0.25:
        wraps.append(random.choice(KINDS[str(random.choice([*KINDS]))]))
    found = str(start)
    for wrap in wraps:
        found = wrap.replace("{}", found if found.isidentifier() else f"({found})")
    return found, kind
