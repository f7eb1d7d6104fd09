"""What is built: the right files, nothing else, and the same bytes for the same content."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from machine_room import addons, dist, paths
from machine_room import tests as machine_room_tests
from machine_room.addons import Addon
from machine_room.console import Trouble

INSIDE = "odoo/addons/notify_sample/"
INFO = "odoo_addon_notify_sample-19.0.1.0.0.dist-info/METADATA"
GOOD = {f"{INSIDE}{name}": "" for name in ("__init__.py", "__manifest__.py", "views/menu.xml")}


def make_addon(root: Path, name: str, **manifest) -> Addon:
    folder = root / name
    folder.mkdir()
    (folder / "__init__.py").touch()
    values = {"name": name, "version": "19.0.1.0.0", "depends": ["mail"], **manifest}
    (folder / "__manifest__.py").write_text(repr(values))
    return Addon(folder)


@pytest.fixture
def addon(tmp_path):
    return make_addon(tmp_path, "notify_sample", data=["views/menu.xml"])


def problems(addon: Addon, files: dict[str, str], path: Path) -> list[str]:
    with zipfile.ZipFile(path, "w") as wheel:
        for name, text in files.items():
            wheel.writestr(name, text)
    with zipfile.ZipFile(path) as wheel:
        return list(dist.wheel_problems(addon, wheel))


def test_a_wheel_holds_the_addon_and_its_metadata(addon, tmp_path):
    assert problems(addon, {**GOOD, INFO: ""}, tmp_path / "a.whl") == []


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("machine_room/lint.py", "lies outside of"),
        ("odoo/__init__.py", "lies outside of"),
        (f"{INSIDE}models/__pycache__/a.cpython-311.pyc", "is no file for a server"),
        (f"{INSIDE}.env", "is no file for a server"),
        (f"{INSIDE}models/mail.py.orig", "is no file for a server"),
        (f"{INSIDE}node_modules/a/index.js", "belongs to the checkout"),
    ],
)
def test_a_wheel_holds_nothing_else(addon, tmp_path, name, said):
    (problem,) = problems(addon, {**GOOD, name: ""}, tmp_path / "a.whl")
    assert said in problem


def test_a_wheel_holds_all_data_of_the_manifest(addon, tmp_path):
    files = {name: "" for name in GOOD if not name.endswith("menu.xml")}
    assert problems(addon, files, tmp_path / "a.whl") == [
        "views/menu.xml is missing; does git know it?"
    ]


def test_a_wheel_does_not_name_the_machine(addon, tmp_path):
    files = {**GOOD, f"{INSIDE}__init__.py": f"# from {paths.ROOT}/notify_sample\n"}
    (problem,) = problems(addon, files, tmp_path / "a.whl")
    assert problem.endswith("__init__.py names the folder of this checkout")


def test_a_zip_has_the_same_files_as_the_wheel_and_no_dates(addon, tmp_path):
    path = tmp_path / "a.whl"
    problems(addon, {**GOOD, INFO: "x"}, path)
    with zipfile.ZipFile(path) as wheel:
        first = dist._build_zip(addon, wheel, tmp_path / "first-19.0.1.0.0")
        second = dist._build_zip(addon, wheel, tmp_path / "second-19.0.1.0.0")
    assert first.name == "first-19.0.1.0.0.zip"
    assert first.read_bytes() == second.read_bytes()
    with zipfile.ZipFile(first) as content:
        assert content.namelist() == [
            "notify_sample/__init__.py",
            "notify_sample/__manifest__.py",
            "notify_sample/views/menu.xml",
        ]


def test_addons_come_after_those_they_depend_on(tmp_path):
    make_addon(tmp_path, "a_glue", depends=["z_base", "queue_job"])
    make_addon(tmp_path, "b_off", installable=False)
    make_addon(tmp_path, "z_base")
    own = addons.own(tmp_path)
    assert [addon.name for addon in own] == ["z_base", "a_glue"]
    assert [addon.name for addon in addons.closure(own[1], own)] == ["z_base", "a_glue"]
    assert addons.closure(own[0], own) == [own[0]]


def test_what_needs_addons_that_cannot_be_fetched_is_left_out_and_named(
    tmp_path, monkeypatch, capsys
):
    make_addon(tmp_path, "a_glue", depends=["z_base", "queue_job"])
    make_addon(tmp_path, "b_on_glue", depends=["a_glue"])
    make_addon(tmp_path, "z_base")
    own = addons.own(tmp_path)
    monkeypatch.setattr(addons, "fetched", lambda pins: tmp_path / pins.name)
    assert addons.usable(own) == (own, tmp_path / "oca.txt")

    def no_network(pins):
        raise addons.Unreachable("no network")

    monkeypatch.setattr(addons, "fetched", no_network)
    alone, others = addons.usable(own)
    assert ([addon.name for addon in alone], others) == (["z_base"], None)
    assert "left out: a_glue, b_on_glue" in capsys.readouterr().out


def test_tests_of_the_glue_run_apart():
    glue = "tests/test_world_queue_job.py::test_x"
    arguments = ["-q", "tests/test_dist.py", "-k", "bell", glue]
    assert machine_room_tests.split(arguments) == (
        ["-q", "-k", "bell"],
        ["tests/test_dist.py"],
        [glue],
    )


def test_a_broken_manifest_is_named(tmp_path):
    addon = make_addon(tmp_path, "notify_sample")
    (addon.folder / "__manifest__.py").write_text("{'name': call()}")
    with pytest.raises(Trouble, match=r"notify_sample/__manifest__\.py cannot be read"):
        addon.manifest  # noqa: B018


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "unknown to Odoo"),
        ([("to install", None)], "it is to install"),
        ([("installed", "19.0.0.9.0")], "another version"),
    ],
)
def test_a_proof_fails_when_odoo_has_not_installed_this_version(addon, tmp_path, rows, said):
    log = tmp_path / "log"
    log.write_text("")
    with pytest.raises(Trouble, match=said):
        dist._judge(addon, "wheel", rows, log)


def test_a_proof_fails_when_odoo_logged_an_error(addon, tmp_path):
    log = tmp_path / "log"
    rows = [("installed", "19.0.1.0.0")]
    log.write_text("2026-01-01 00:00:00,000 1 INFO db odoo: the word ERROR in a text is none\n")
    dist._judge(addon, "wheel", rows, log)
    log.write_text("2026-01-01 00:00:00,000 1 ERROR db odoo.modules: cannot load\n")
    with pytest.raises(Trouble, match="cannot load"):
        dist._judge(addon, "wheel", rows, log)
