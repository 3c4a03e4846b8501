"""Every case of the groups that we claim is here, under its number."""

import importlib

GROUPS = {
    "test_01_framing": ["rows"], "test_02_pings": ["ROWS"],
    "test_03_reserved_bits": ["ROWS"], "test_04_opcodes": ["rows"],
    "test_05_fragments": ["ROWS"], "test_06_utf8": ["ROWS", "FAIL_FAST"],
    "test_07_close": ["ROWS"], "test_09_limits": ["LARGE", "MANY"],
    "test_12_compression": ["ROWS"], "test_13_parameters": ["ROWS"],
}
WANT = {
    "1.1": 8, "1.2": 8, "2": 11, "3": 7, "4.1": 5, "4.2": 5, "5": 20,
    "6.1": 3, "6.2": 4, "6.3": 2, "6.4": 4, "6.5": 5, "6.6": 11, "6.7": 4,
    "6.8": 2, "6.9": 4, "6.10": 3, "6.11": 5, "6.12": 8, "6.13": 5,
    "6.14": 10, "6.15": 1, "6.16": 3, "6.17": 5, "6.18": 5, "6.19": 5,
    "6.20": 7, "6.21": 8, "6.22": 34, "6.23": 7,
    "7.1": 6, "7.3": 6, "7.5": 1, "7.7": 13, "7.9": 9, "7.13": 2,
    "9.1": 6, "9.2": 6, "9.3": 9, "9.4": 9, "9.5": 6, "9.6": 6, "9.7": 6,
    "9.8": 6,
    **{f"12.{i}": 18 for i in range(1, 6)},
    **{f"13.{i}": 18 for i in range(1, 8)},
}


def ids():
    for module, names in GROUPS.items():
        loaded = importlib.import_module(module)
        for name in names:
            rows = getattr(loaded, name)
            for row in rows() if callable(rows) else rows:
                yield row.id.removeprefix("case ")


def test_every_case_is_there_once():
    have = list(ids())
    assert len(have) == len(set(have)) == 516
    for prefix, count in WANT.items():
        want = {f"{prefix}.{i}" for i in range(1, count + 1)}
        assert want <= set(have), want - set(have)
    assert sum(WANT.values()) == 516


def test_utf8_tables_agree_with_a_decoder_that_is_not_ours():
    from test_06_utf8 import GREEK, ROWS
    for row in ROWS:
        if row.id.split()[1].startswith(("6.1.", "6.2.", "6.3.")):
            continue
        (sent,), _, end, _ = row.values
        key, size = sent[2:6], sent[1] & 0x7F
        at = 2
        if size == 126:
            key, at = sent[4:8], 4
        data = bytes(b ^ key[i % 4] for i, b in enumerate(sent[at + 4:]))
        try:
            data.decode()
            valid = True
        except UnicodeDecodeError:
            valid = False
        assert valid == (end.kind == "normal"), row.id
    assert len(GREEK) == 11
