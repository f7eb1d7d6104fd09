"""Translation files: merged without loss, the same on every run, and safe to show."""

from __future__ import annotations

import polib
import pytest

from machine_room import translations
from machine_room.console import Trouble


def file(*terms: tuple[str, str], **values) -> polib.POFile:
    made = polib.POFile()
    for msgid, msgstr in terms:
        made.append(polib.POEntry(msgid=msgid, msgstr=msgstr, **values))
    return made


def texts(made: polib.POFile) -> dict[str, str]:
    return {entry.msgid: entry.msgstr for entry in made}


def test_a_template_is_the_same_whenever_and_in_whatever_order_it_is_exported():
    first, second = file(("Bell", ""), ("Age", "")), file(("Age", ""), ("Bell", ""))
    first.metadata = {"POT-Creation-Date": "2026-01-01 00:00+0000"}
    made = str(translations.template(first, "notify_sample"))
    assert made == str(translations.template(second, "notify_sample"))
    assert "2026" not in made


def test_a_merge_keeps_translations_and_forgets_what_is_gone():
    current = file(("Bell", "Cloche"), ("Gone", "Parti"), tcomment="Seen in the chatter")
    current.metadata = {"Language-Team": "French", "PO-Revision-Date": "2026-01-01"}
    pot = translations.template(file(("Bell", ""), ("New", "")), "notify_sample")
    merged = translations.merge(current, pot, "notify_sample", "fr")
    assert texts(merged) == {"Bell": "Cloche", "New": ""}
    assert merged.find("Bell").tcomment == "Seen in the chatter"
    assert merged.metadata["Language-Team"] == "French"
    assert merged.metadata["Plural-Forms"] == "nplurals=2; plural=(n > 1);"
    assert "PO-Revision-Date" not in merged.metadata
    assert translations.missing(merged) == ["New"]


def test_merging_twice_changes_nothing(tmp_path):
    pot = translations.template(file(("Bell", ""), ("New\nline", "")), "notify_sample")
    once = translations.merge(file(("Bell", "Dzwonek")), pot, "notify_sample", "pl")
    path = tmp_path / "pl.po"
    path.write_text(str(once), encoding="utf-8")
    again = translations.merge(translations.read(path), pot, "notify_sample", "pl")
    assert str(again) == str(once)


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("%(user)s is told", "%(benutzer)s wird informiert"),
        ("%(user)s is told", "Person wird informiert"),
        ("%s of %s", "%s von"),
        ("%d%% sent", "Alles gesendet"),
        ("About {{ object.name }}", "Über {{ objekt.name }}"),
        ("{count} rows", "Zeilen"),
        ('Dear <t t-out="object.name"/>', 'Hallo <t t-out="object.nom"/>'),
        ("<b>Now</b>", "Jetzt"),
    ],
)
def test_a_translation_that_loses_a_value_is_found(source, translation):
    assert list(translations.faults(file((source, translation))))


@pytest.mark.parametrize(
    ("source", "translation"),
    [
        ("%(who)s told %(whom)s", "%(whom)s hat es von %(who)s"),
        ("100% sure", "100 % sicher"),
        ("%d%% sent", "%d %% gesendet"),
        ("a < b", "a < b, stimmt"),
        ("Not yet translated %(x)s", ""),
    ],
)
def test_a_translation_that_keeps_its_values_is_left_in_peace(source, translation):
    assert list(translations.faults(file((source, translation)))) == []


def test_a_fuzzy_translation_is_found():
    ((_line, said),) = translations.faults(file(("Bell", "Glocke"), flags=["fuzzy"]))
    assert said.startswith("fuzzy")


@pytest.mark.parametrize(
    "text", ['msgid "a"\nnonsense\n', 'msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n']
)
def test_a_broken_file_is_named(tmp_path, text):
    path = tmp_path / "fr.po"
    path.write_text(text)
    with pytest.raises(Trouble, match=r"fr\.po cannot be read"):
        translations.read(path)
