"""Every trap and rule has a test under its number, or README says why not."""

import re

from proc import HERE


def test_every_number_has_a_test_or_a_reason():
    names = re.findall(r"^def (test_\w+)", "\n".join(
        path.read_text() for path in HERE.glob("test_*.py")), re.M)
    have = {part for name in names for part in name.split("_")}
    readme = (HERE / "README").read_text()
    excused = set(re.search(r"^not tested: (.*)$", readme, re.M)[1].split(", "))
    want = {f"P{i}" for i in range(1, 34)}
    want |= {f"F{i}" for i in range(1, 32)}
    want |= {f"H{i}" for i in range(1, 29)}
    want |= {f"S{i}" for i in range(1, 14)} | {"S19", "S20"}
    want |= {f"C{i}" for i in range(1, 11)}
    want |= {f"rule{i}" for i in range(1, 10)}
    missing = sorted(want - have - excused)
    assert not missing, missing
    assert not sorted(want & have & excused), "excused, but there is a test"
