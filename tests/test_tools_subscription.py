"""Which default holds: every property of the pure functions, no Odoo, no database."""

import importlib.util
import sys

from hypothesis import given
from hypothesis import strategies as st

from machine_room import paths

# Read as a file of its own: the package around it needs Odoo.
_spec = importlib.util.spec_from_file_location(
    "tools_subscription", paths.ROOT / "notify_routing/tools/subscription.py"
)
tools = sys.modules[_spec.name] = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(tools)

SCOPES, Book, Line, Person, Subtypes = (
    tools.SCOPES,
    tools.Book,
    tools.Line,
    tools.Person,
    tools.Subtypes,
)
level_of, resolve, subtypes_of = tools.level_of, tools.resolve, tools.subtypes_of

#: Few ids, so that lines often speak of the same people, teams and document types.
SOME = st.integers(1, 3)
MODELS = st.sampled_from(["sale.order", "crm.lead", None])
LINE_LEVELS = ("everything", "discussions", "mentions", "custom")


@st.composite
def lines(draw):
    """Lines as the database allows them: each scope with its own fields, one choice only once."""
    found = {}
    for line_id in range(1, draw(st.integers(0, 12)) + 1):
        scope = draw(st.sampled_from(SCOPES))
        line = Line(
            id=line_id,
            scope=scope,
            level=draw(st.sampled_from(LINE_LEVELS)),
            model=draw(MODELS),
            user_id=draw(SOME) if scope in ("user", "member") else None,
            team_id=draw(SOME) if scope in ("member", "team") else None,
            company_id=draw(SOME) if scope == "company" else None,
        )
        key = (line.scope, line.model, line.user_id, line.team_id, line.company_id)
        found.setdefault(key, line)
    return list(found.values())


people = st.builds(
    Person, user_id=SOME, team_ids=st.lists(SOME, unique=True, max_size=3), company_id=SOME
)


@st.composite
def kinds(draw):
    """The subtypes of a document type: those that all types share, *Discussions* among them, and
    its own."""
    shared = draw(st.frozensets(st.integers(1, 6)))
    own = draw(st.frozensets(st.integers(7, 12)))
    default = draw(st.frozensets(st.sampled_from(sorted(shared | own)))) if shared | own else set()
    return Subtypes(available=shared | own, default=frozenset(default), own=own, discussion=1)


# ------------------------------------------------------------
# resolve
# ------------------------------------------------------------


@given(st.data(), lines(), people)
def test_o3_order_of_the_lines_never_matters(data, some_lines, person):
    shuffled = data.draw(st.permutations(some_lines))
    assert resolve(some_lines, person, "crm.lead") == resolve(shuffled, person, "crm.lead")


@given(lines(), people)
def test_o3_what_was_found_speaks_of_the_person_and_the_type(some_lines, person):
    line = resolve(some_lines, person, "crm.lead")
    if line:
        assert line in some_lines
        assert line.model in ("crm.lead", None)
        assert line.user_id in (person.user_id, None)
        assert line.team_id is None or line.team_id in person.team_ids
        assert line.company_id in (person.company_id, None)


@given(lines(), people)
def test_o3_nothing_stronger_was_passed_over(some_lines, person):
    """What is found stays when everything else is taken away, and goes when it is taken away."""
    found = resolve(some_lines, person, "crm.lead")
    if not found:
        return
    assert resolve([found], person, "crm.lead") == found
    rest = [line for line in some_lines if line != found]
    second = resolve(rest, person, "crm.lead")
    if second:
        assert SCOPES.index(second.scope) >= SCOPES.index(found.scope)
        assert resolve([second, found], person, "crm.lead") == found


@given(lines(), people)
def test_o3_lines_of_others_change_nothing(some_lines, person):
    own = [line for line in some_lines if line.user_id in (person.user_id, None)]
    assert resolve(own, person, "crm.lead") == resolve(some_lines, person, "crm.lead")


@given(lines(), people, MODELS.filter(bool))
def test_o3_the_book_of_a_type_holds_all_that_matters(some_lines, person, model):
    book = Book.of(some_lines)
    assert resolve(book.about(model), person, model) == resolve(some_lines, person, model)
    assert set(book.lines) == set(some_lines)


def test_o3_scope_decides_before_the_document_type():
    """A person's own default for all types beats the team's for this very type."""
    team = Line(1, "team", "everything", model="crm.lead", team_id=5)
    user = Line(2, "user", "mentions", user_id=7)
    assert resolve([team, user], Person(7, [5]), "crm.lead") == user


def test_o3_the_team_decides_before_the_document_type():
    """The document's team for all types beats another team's line for this very type."""
    first = Line(1, "team", "everything", team_id=5)
    second = Line(2, "team", "mentions", model="crm.lead", team_id=6)
    assert resolve([first, second], Person(7, [5, 6]), "crm.lead") == first
    assert resolve([first, second], Person(7, [6, 5]), "crm.lead") == second


def test_o3_the_document_type_decides_last():
    general = Line(1, "team", "everything", team_id=5)
    special = Line(2, "team", "mentions", model="crm.lead", team_id=5)
    assert resolve([general, special], Person(7, [5]), "crm.lead") == special
    assert resolve([general, special], Person(7, [5]), "sale.order") == general


# ------------------------------------------------------------
# subtypes_of, level_of
# ------------------------------------------------------------


@given(kinds(), st.frozensets(st.integers(1, 15)), st.sampled_from(LINE_LEVELS), st.booleans())
def test_a_level_gives_only_what_the_type_has(kind, chosen, level, for_all):
    assert subtypes_of(level, chosen, kind, for_all=for_all) <= kind.available


@given(kinds(), st.frozensets(st.integers(1, 15)))
def test_the_name_of_a_choice_gives_the_choice_back(kind, chosen):
    picked = chosen & kind.available
    level = level_of(chosen, kind)
    assert subtypes_of(level, picked, kind) == picked


@given(kinds(), st.frozensets(st.integers(1, 15)))
def test_who_muted_is_told_of_nothing_whatever_they_followed(kind, chosen):
    assert level_of(chosen, kind, muted=True) == "mute"
    assert subtypes_of("mute", chosen, kind) == set()


@given(kinds(), st.frozensets(st.integers(1, 15)))
def test_a_choice_for_all_types_leaves_a_types_own_events_as_odoo_has_them(kind, chosen):
    picked = subtypes_of("custom", chosen, kind, for_all=True)
    assert picked & kind.own == kind.default & kind.own
    assert picked - kind.own == (chosen & kind.available) - kind.own


@given(kinds())
def test_levels_grow(kind):
    """Who is told of more is told of all that the others are."""
    told = [subtypes_of(level, (), kind) for level in ("mentions", "discussions", "everything")]
    assert told[0] <= told[1] <= told[2] == kind.available
