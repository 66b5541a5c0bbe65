"""Hostile conditions for `benchmarks.attack`, as expressions."""

from benchmarks import _attack_inputs as inputs

CONDITIONS = """
None
'a'
'z'
1
np.nan
['a']
['a'] * 12
['z'] * 12
[['a']] * 12
[[['a']]] * 12
['a', 'b'] * 6
['a', 1] * 6
['a', None] * 6
['a', np.nan] * 6
[b'a', b'b'] * 6
[1, 2] * 6
[1.5, np.inf] * 6
[2**53, 2**53 + 1] * 6
[10**400, 1] * 6
[True, False] * 6
[1j, 2] * 6
[('a', 'b')] * 12
[{'a': 1}] * 12
{'a': 1}
set('ab')
(c for c in 'ab' * 6)
iter('ab' * 6)
range(12)
object()
[object()] * 12
np.array(['a', 'b'] * 6)
np.array(['a', 'b'] * 6)[:, None]
np.array(['a', 'b'] * 6)[:, None, None]
np.array(['a', 'b'] * 6, dtype=object)
np.array(['a', 'b'] * 6, dtype='S1')
np.array(['a', 'b'] * 6, dtype=np.dtypes.StringDType())
np.array(['2020', '2021'] * 6, dtype='datetime64[D]')
np.array([1, 2] * 6, dtype='timedelta64[D]')
np.array([1, 2] * 6, dtype='f4')
np.array([1, 2] * 6, dtype='>i8')
np.array([1, 2] * 6, dtype='complex64')
np.array([1, 2] * 6, dtype='float16')
np.array([0.1, 0.2] * 6, dtype='longdouble')
np.ma.array([1, 2] * 6, mask=[0, 1] * 6)
np.zeros(12, dtype='f8,i4')
np.zeros((12, 0))
np.zeros((0, 1))
np.zeros(11)
np.arange(12.0)
X[:, 0]
X
sp.csr_array(X[:, :1])
torch.arange(12) % 2
torch.rand(12).to(torch.complex64)
torch.rand(12).to('meta')
torch.rand(12, 1).to_sparse()
pd.Series(['a', 'b'] * 6)
pd.Series(['a', None] * 6)
pd.Series(['a', 'b'] * 6, dtype='category')
pd.Series([1, None] * 6, dtype='Int64')
pd.Series(['a', pd.NA] * 6, dtype='string')
pd.Series(pd.to_datetime(['2020', '2021'] * 6))
pd.Series(pd.to_datetime(['2020', '2021'] * 6, utc=True))
pd.DataFrame({'a': ['a', 'b'] * 6})
pd.DataFrame({'a': ['a', 'b'] * 6, 'b': [1, 2] * 6})
pd.Index(['a', 'b'] * 6)
pd.array([True, None] * 6)
pl.Series(['a', 'b'] * 6)
pl.DataFrame({'a': ['a', 'b'] * 6})
pl.Series(['a', None] * 6)
pa.array(['a', 'b'] * 6)
""".strip().splitlines()


def condition(random):
    """Draw an expression for conditions."""
    if random.random() < 0.15:
        return inputs.table(random)[0]
    return str(random.choice(CONDITIONS))
