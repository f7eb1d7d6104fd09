"""The rules of the houses: each is broken once, and kept once where it is easy to be too strict."""

from __future__ import annotations

from pathlib import Path

import pytest

from machine_room import lint_houses

ODOO = {
    "odoo/addons/base/__manifest__.py": '{"name": "Base"}',
    "addons/mail/__manifest__.py": '{"name": "Discuss", "depends": ["base"]}',
    "addons/mail/models/mail_thread.py": """
from odoo import models

class MailThread(models.AbstractModel):
    _name = "mail.thread"

    def _notify_thread(self, message, msg_vals=False, **kwargs):
        return []

    @property
    def readable_fields(self):
        return []
""",
    "addons/sale/__manifest__.py": '{"name": "Sales", "depends": ["mail"]}',
    "addons/sale/models/sale_order.py": """
from odoo import models

class SaleOrder(models.Model):
    _name = "sale.order"
    _inherit = ["mail.thread"]

    def action_confirm(self):
        return True
""",
    "odoo/orm/models.py": """
class BaseModel:
    def write(self, vals):
        return True
""",
}


def lay(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


@pytest.fixture
def check(tmp_path):
    """Give a function: files of an addon in, sentences about broken rules out."""
    odoo = lay(tmp_path / "odoo", ODOO)
    methods = lint_houses.odoo_methods(odoo, ["sale"])

    def check(files: dict[str, str]) -> list[str]:
        addon = lay(tmp_path / "notify_sample", files)
        return [str(finding) for finding in lint_houses.check_addon(addon, methods)]

    return check


def door(body: str, model: str = "mail.thread") -> dict[str, str]:
    lines = "\n".join(f"    {line}" for line in body.strip().splitlines())
    return {"models/routing/door.py": f'class Door:\n    _inherit = "{model}"\n\n{lines}\n'}


# ------------------------------------------------------------
# TOOLS
# ------------------------------------------------------------


@pytest.mark.parametrize(
    "line",
    [
        "import odoo",
        "from odoo import fields",
        "from odoo.tools import html2plaintext",
        "from .. import models",
        "from ..models.routing import router",
        "from odoo.addons.notify_sample.models import routing",
    ],
)
def test_tools_import_nothing_of_odoo_or_of_the_models(check, line):
    (finding,) = check({"tools/decision.py": f"{line}\n"})
    assert finding.startswith("notify_sample/tools/decision.py:1: tools/ is pure Python")


@pytest.mark.parametrize(
    "line",
    [
        "import email.policy",
        "from . import slots",
        "from .slots import next_slot",
        "from ..tools import slots",
        "import odoorpc",
    ],
)
def test_tools_import_the_standard_library_and_each_other(check, line):
    assert check({"tools/decision.py": f"{line}\n"}) == []


# ------------------------------------------------------------
# ONE WAY
# ------------------------------------------------------------


def test_a_house_imports_from_the_houses_below_it(check):
    files = {
        "models/trail/row.py": "from ..delivery import states\nfrom ...tools import decision\n",
        "models/__init__.py": "from . import subscription, routing, trail\n",
    }
    assert check(files) == []


@pytest.mark.parametrize(
    "line",
    [
        "from ..delivery import states",
        "from ..delivery.states import SENT",
        "from .. import delivery",
        "from odoo.addons.notify_sample.models.delivery import states",
        "import odoo.addons.notify_sample.models.delivery.states",
    ],
)
def test_a_house_does_not_import_from_a_house_above_it(check, line):
    (finding,) = check({"models/routing/router.py": f"{line}\n"})
    assert finding.endswith("routing must not import from delivery")


def test_a_house_does_not_call_a_model_of_a_house_above_it(check):
    delivery = 'class Delivery:\n    _name = "notify.delivery"\n'
    call = 'def go(self):\n    return self.env["notify.delivery"].search([])\n'
    found = check({"models/delivery/notify_delivery.py": delivery, "models/sender/go.py": call})
    (finding,) = found
    assert finding.startswith("notify_sample/models/sender/go.py:2: ")
    assert finding.endswith("sender must not call notify.delivery, which lives in delivery")


def test_a_house_calls_models_below_it_and_models_of_odoo(check):
    files = {
        "models/sender/notify_sender.py": 'class Sender:\n    _name = "notify.sender"\n',
        # A door does not make Odoo's model a model of the house.
        "models/trail/mail_mail.py": 'class Mail:\n    _inherit = "mail.mail"\n',
        "models/delivery/go.py": (
            'def go(env):\n    env["notify.sender"].search([])\n    env["mail.mail"].search([])\n'
        ),
    }
    assert check(files) == []


# ------------------------------------------------------------
# DOORS
# ------------------------------------------------------------


@pytest.mark.parametrize(
    ("model", "method"),
    [
        ("mail.thread", "_notify_thread(self, message)"),
        ("sale.order", "_notify_thread(self, message)"),
        ("sale.order", "action_confirm(self)"),
        ("sale.order", "write(self, vals)"),
    ],
)
def test_a_door_calls_super_where_it_overrides_odoo(check, model, method):
    name = method.split("(")[0]
    (finding,) = check(door(f"def {method}:\n    return []", model))
    assert finding.endswith(f"overrides {model}.{name} without calling super().{name}()")


def test_super_of_another_method_is_not_enough(check):
    body = "def write(self, vals):\n    return super().create(vals)"
    assert "without calling super().write()" in check(door(body))[0]


def test_a_door_reads_the_property_that_it_overrides(check):
    (finding,) = check(door("@property\ndef readable_fields(self):\n    return []"))
    assert finding.endswith("without reading super().readable_fields")


def test_a_door_hands_on_the_arguments_it_takes(check):
    body = """
def _notify_thread(self, message, *args, **kwargs):
    return super()._notify_thread(message)
"""
    found = check(door(body))
    assert [line.split("takes ")[1] for line in found] == [
        "*args but gives none to super()",
        "**kwargs but gives none to super()",
    ]


@pytest.mark.parametrize(
    "body",
    [
        """
def _notify_thread(self, message, *args, **kwargs):
    recipients = super()._notify_thread(message, *args, **kwargs)
    return recipients
""",
        """
def _notify_thread(self, message, **kwargs):
    return super(Door, self.sudo())._notify_thread(message, **dict(kwargs, quiet=True))
""",
        """
def write(self, vals):
    return super().with_context(quiet=True).write(vals)
""",
        """
@property
def readable_fields(self):
    return [*super().readable_fields, "channels"]
""",
        """
def _notify_of_the_house(self):
    return []
""",
    ],
)
def test_a_door_is_left_in_peace_when_it_keeps_the_rule(check, body):
    assert check(door(body)) == []


def test_a_model_of_our_own_may_replace_what_it_inherits(check):
    text = """
class Scheme:
    _name = "notify.scheme"
    _inherit = ["mail.thread"]

    def _notify_thread(self, message, msg_vals=False, **kwargs):
        return []
"""
    assert check({"models/routing/notify_scheme.py": text}) == []


# ------------------------------------------------------------
# FILES
# ------------------------------------------------------------


@pytest.mark.parametrize("name", ["models/routing/long.py", "views/long.xml", "static/src/long.js"])
def test_a_file_has_500_lines_at_most(check, name):
    assert check({name: "#\n" * 500}) == []
    assert check({name: "#\n" * 501}) == [
        f"notify_sample/{name}:501: 501 lines; 500 are allowed, split it by topic"
    ]


def test_translations_and_libraries_may_be_long(check):
    assert check({"i18n/fr.po": "#\n" * 900, "static/lib/a.js": "//\n" * 900}) == []


@pytest.mark.parametrize(
    "line", ['config["test_enable"]', 'config.get("test_enable")', "config.test_enable"]
)
def test_product_code_does_not_ask_whether_a_test_runs(check, line):
    assert check({"models/delivery/queue.py": f"if {line}:\n    pass\n"}) == [
        "notify_sample/models/delivery/queue.py:1: product code must not ask whether a test runs"
    ]
    assert check({"models/delivery/queue.py": "", "tests/test_a.py": f"{line}\n"}) == []
