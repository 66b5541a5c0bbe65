"""Files that are not models, or no longer: each function returns damaged bytes."""

import gzip
import json
import pickle

import numpy as np
import safetensors.torch
import torch


def header_end(data):
    return 8 + int.from_bytes(data[:8], "little")


def table_of_contents(data):
    return json.loads(data[8 : header_end(data)])


def truncated(random, data):
    return data[: random.integers(len(data))]


def flipped(random, data, among=None):
    changed = bytearray(data)
    for _ in range(random.integers(1, 5)):
        changed[random.integers(among or len(data))] ^= 1 << int(random.integers(8))
    return bytes(changed) if changed != data else truncated(random, data)


def flipped_in_the_header(random, data):
    return flipped(random, data, header_end(data))


def flipped_at_the_start(random, data):
    return flipped(random, data, 8)


def lengthened(random, data):
    return data + random.bytes(random.integers(1, 100))


def with_a_gap(random, data):
    start, stop = np.sort(random.choice(len(data), 2, replace=False))
    return data[:start] + data[stop:]


def with_zeros(random, data):
    start, stop = np.sort(random.choice(len(data), 2, replace=False))
    changed = data[:start] + bytes(stop - start) + data[stop:]
    return changed if changed != data else truncated(random, data)


def of_another_kind(random, data):
    tensors = {"weight": torch.ones(3), "bias": torch.zeros(2, dtype=torch.bfloat16)}
    others = (
        b"",
        random.bytes(random.integers(1, 2000)),
        gzip.compress(data),
        pickle.dumps({"class": "VAETransformer"}),
        json.dumps({"class": "VAETransformer"}).encode(),
        safetensors.torch.save(tensors),
        safetensors.torch.save(tensors, {"format": "pt"}),
        safetensors.torch.save({}, {"skvae": "{}"}),
        safetensors.torch.save(tensors, {"skvae": "[1]"}),
    )
    return others[random.integers(len(others))]


def with_another_text(random, data):
    """Replace the header by one that may break a JSON parser."""
    deep = 10 ** int(random.integers(2, 6))
    text = table_of_contents(data)["__metadata__"]["skvae"]
    texts = (
        "[" * deep,
        "[" * deep + "]" * deep,
        '{"format":' * deep + "1" + "}" * deep,
        '{"format":NaN}',
        '{"format":1,"lr":NaN}',
        '{"format":1,"lr":-Infinity}',
        '{"format":1,"lr":1e999}',
        '{"format":' + "9" * deep + "}",
        '{"format":1,"lr":' + "9" * deep + "}",
        '{"format":1,"format":1}',
        '{"format":true}',
        '{"format":1.0}',
        '{"format":0}',
        '{"format":2}',
        '"\\ud800"',
        "\x00",
        text.replace(",", ", "),
        text.replace("1", "2"),
        json.dumps(json.loads(text), sort_keys=True),
    )
    chosen = texts[random.integers(len(texts))]
    return safetensors.torch.save(safetensors.torch.load(data), {"skvae": chosen})


def with_another_table_of_contents(random, data):
    """Change what safetensors itself reads: shapes, types, offsets."""
    outer = table_of_contents(data)
    names = [name for name in outer if name != "__metadata__"]
    entry = outer[names[random.integers(len(names))]]
    key = list(entry)[random.integers(len(entry))]
    values = (None, -1, 2**62, "F16", [], [-1], [2**31, 2**31], [2**62], [0, 2**62], {})
    others = [value for value in values if value != entry[key]]
    entry[key] = others[random.integers(len(others))]
    text = json.dumps(outer).encode()
    return len(text).to_bytes(8, "little") + text + data[header_end(data) :]


# -- the same tensors, but another table -----------------------------------------------


def relaid(data, change):
    """Return the bytes of a file after a change of its table and of its tensors."""
    table, body = table_of_contents(data), data[header_end(data) :]
    text = change(table)
    if isinstance(text, tuple):
        text, body = text[0], text[1](body)
    text = (json.dumps(table, separators=(",", ":")) if text is None else text).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + body


def first_and_rest(table):
    names = [name for name in table if name != "__metadata__"]
    return names[0], names[1:]


def gap_before(table):
    for entry in list(table.values())[1:]:
        entry["data_offsets"] = [offset + 8 for offset in entry["data_offsets"]]
    return None, lambda body: bytes(8) + body


def gap_between(table):
    first, rest = first_and_rest(table)
    size = table[first]["data_offsets"][1]
    for name in rest:
        table[name]["data_offsets"] = [n + 8 for n in table[name]["data_offsets"]]
    return None, lambda body: body[:size] + bytes(8) + body[size:]


def exchanged(table):
    """Store the first two tensors, which are alike, in the other order."""
    (first, (second, *rest)) = first_and_rest(table)
    size = table[first]["data_offsets"][1]
    assert table[second]["data_offsets"][1] == 2 * size
    changed = {"__metadata__": table["__metadata__"], second: table[first]}
    changed |= {first: table[second]} | {name: table[name] for name in rest}
    table.clear()
    table.update(changed)
    return None, lambda body: body[size : 2 * size] + body[:size] + body[2 * size :]


def overlapping(table):
    """Store the first two tensors, which are alike, once."""
    (first, (second, *rest)) = first_and_rest(table)
    size = table[first]["data_offsets"][1]
    table[second]["data_offsets"] = [0, size]
    for name in rest:
        table[name]["data_offsets"] = [n - size for n in table[name]["data_offsets"]]
    return None, lambda body: body[size:]


def more_metadata(table):
    table["__metadata__"]["format"] = "pt"


def more_keys(table):
    list(table.values())[1]["comment"] = ""


def spaces(table):
    return json.dumps(table)


def twice(table):
    text = json.dumps(table, separators=(",", ":"))
    return text.replace(
        '"__metadata__"', '"__metadata__":{"skvae":"{}"},"__metadata__"'
    )


def escaped(table):
    text = json.dumps(table, separators=(",", ":"))
    return text.replace("module.", "\\u006dodule.", 1)


def bytes_after(table):
    return None, lambda body: body + b"PK\x05\x06" + bytes(18)


CHANGES = (gap_before, gap_between, exchanged, overlapping, more_metadata, more_keys)
CHANGES += (spaces, twice, escaped, bytes_after)


def with_another_layout(random, data):
    """Keep the contents, but not the bytes that skvae writes for them."""
    alike = (exchanged, overlapping)  # need two equal tensors at the start
    first, (second, *_) = first_and_rest(table_of_contents(data))
    entries = table_of_contents(data)
    equal = entries[first]["shape"] == entries[second]["shape"]
    equal &= entries[first]["dtype"] == entries[second]["dtype"]
    possible = [change for change in CHANGES if equal or change not in alike]
    return relaid(data, possible[random.integers(len(possible))])


DAMAGES = (
    *(truncated, flipped, flipped_in_the_header, flipped_at_the_start, lengthened),
    *(with_a_gap, with_zeros, of_another_kind, with_another_text),
    *(with_another_table_of_contents, with_another_layout),
)
