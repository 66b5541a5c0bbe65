"""
Rows that stand in for a table
==============================

*Can a predictor be trained on drawn rows instead of the real ones?*

A conditional VAE learns the rows of each class of a table of words, counts and numbers.
A classifier is then trained on rows that the model has drawn, and tested on real ones.
"""

# %%
# A table
# -------
# Whether customers come back depends on their age, their visits and their contract.

import numpy as np
import pandas as pd
import torch
from sklearn.compose import make_column_selector, make_column_transformer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from skvae import CVAETransformer

torch.set_num_threads(1)  # networks this small do not gain from more

rng = np.random.default_rng(0)
n = 3000
age = rng.normal(45, 12, n).clip(18).astype(int)
contract = rng.choice(["month", "year", "none"], n, p=[0.5, 0.3, 0.2])
visits = rng.poisson(np.where(contract == "none", 0.8, 3.0))
score = -3 + 0.4 * visits + 0.03 * age + 1.2 * (contract == "year")
returns = rng.random(n) < 1 / (1 + np.exp(-score))
customers = pd.DataFrame({"age": age, "visits": visits, "contract": contract})
train, test = customers[:1500], customers[1500:]

# %%
# Drawn rows
# ----------
# ``condition`` is the class of each row. The drawn table has the columns, the words and
# the dtypes of the real one.

cvae = CVAETransformer(4, likelihood="auto", max_epochs=40, random_state=0)
cvae.fit(train, condition=returns[:1500])
print(cvae.likelihood_)
drawn = cvae.sample(1500, condition=returns[:1500], random_state=0)
print(drawn.head())

# %%
# Trained on drawn rows, tested on real ones
# ------------------------------------------

encoder = make_column_transformer(
    (OneHotEncoder(), ["contract"]),
    (StandardScaler(), make_column_selector(dtype_include="number")),
)
for name, rows in (("real", train), ("drawn", drawn)):
    model = make_pipeline(encoder, LogisticRegression()).fit(rows, returns[:1500])
    auc = roc_auc_score(returns[1500:], model.predict_proba(test)[:, 1])
    print(f"trained on {name} rows: AUC {auc:.3f} on real ones")

# %%
# Do drawn rows repeat real ones?
# -------------------------------
# The share of rows that also occur among the training rows is about that of test rows,
# as it would be if both came from the same distribution.

real = set(train.itertuples(index=False, name=None))
for name, rows in (("test", test), ("drawn", drawn)):
    known = np.mean([row in real for row in rows.itertuples(index=False, name=None)])
    print(f"{known:.2f} of the {name} rows are among the training rows")
