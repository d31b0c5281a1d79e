"""What is tracked names no package index, no machine and no secret place; the locks pin everything by hash."""

import re
import subprocess
from pathlib import Path

import pytest

# Written in pieces, so that this file does not name them either.
FORBIDDEN = re.compile(
    r"https?://\S*(py" + r"pi\.|pythonhos" + r"ted|npm" + r"js|deb\.deb" + r"ian)"
    r"|(?<![\w.])/(wo" + r"rk/(main|shared)|ro" + r"ot/|tmp/w/|opt/(py" + r"pi|wheels))"
)


def tracked(repository: Path) -> list[Path]:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, text=True, check=False)
    if listing.returncode:
        pytest.skip("not a git working tree")
    return [path for name in listing.stdout.split("\0") if name and (path := repository / name).is_file()]


def test_no_index_address_and_no_machine_path_is_tracked(repository: Path) -> None:
    found = []
    for path in tracked(repository):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # pictures, Parquet, and inputs in other encodings
        found += [
            f"{path.relative_to(repository)}:{number}: {line.strip()[:120]}"
            for number, line in enumerate(text.splitlines(), 1)
            if FORBIDDEN.search(line)
        ]
    assert found == []


@pytest.mark.parametrize("lock", ["lock.txt", "dev.txt", "focus-validator.txt"])
def test_locks_pin_every_package_by_hash_and_name_no_address(repository: Path, lock: str) -> None:
    text = (repository / "requirements" / lock).read_text()
    assert "://" not in text
    assert "--index" not in text and "--find-links" not in text
    packages = re.split(r"\n(?=[a-z0-9])", text)
    assert len(packages) > 20
    for package in packages:
        assert re.match(r"[a-z0-9-]+==\S+ ", package), package.splitlines()[0]
        assert "--hash=sha256:" in package, package.splitlines()[0]


def test_the_runtime_lock_holds_what_the_package_asks_for(repository: Path) -> None:
    from importlib.metadata import requires

    locked = set(re.findall(r"^([a-z0-9-]+)==", (repository / "requirements" / "lock.txt").read_text(), re.M))
    asked = [(re.split(r"[^A-Za-z0-9_.-]", each)[0].lower(), "extra ==" in each) for each in requires("outlay") or []]
    assert {name for name, is_extra in asked if not is_extra} <= locked
    dev = set(re.findall(r"^([a-z0-9-]+)==", (repository / "requirements" / "dev.txt").read_text(), re.M))
    assert {name for name, is_extra in asked if is_extra} <= dev
    assert "setuptools" in locked  # builds the editable install without the network
