"""Posting a message to followers, with nothing of the addon in use."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from . import site

CASES = {"post_1": 1, "post_100": 100, "post_1000": 1000}
NAMES = tuple(CASES)
#: How many posts are timed after the first one, which fills caches.
POSTS = 15


def run(progress: Callable[[str], None], names: Iterable[str] = NAMES) -> Iterator[dict]:
    """Yield milliseconds a post; the ratio is ours to stock's, so less is better."""
    with site.postgres() as (server, templates):
        for name in names:
            taken: dict[str, list[float]] = {"stock": [], "ours": []}
            # In turns, so that a machine that gets slower is slower for both.
            for number in range(site.TIMES):
                for side, template in templates.items():
                    taken[side] += _measure(server, template, CASES[name])
                    progress(f"{name}, {side}, run {number + 1}: {taken[side][-1] * 1000:.1f} ms")
            stock, ours = site.median(taken["stock"]), site.median(taken["ours"])
            yield {
                "name": name,
                "unit": "ms",
                "stock": round(stock * 1000, 1),
                "ours": round(ours * 1000, 1),
                "ratio": round(ours / stock, 2),
            }


def _measure(server, template, count) -> list[float]:
    with site.copy_of(server, template) as database, site.environment(database) as env:
        site.set_up(env)
        document = env["res.partner"].create({"name": "Document"})
        document.message_subscribe(site.people(env, count).ids)
        env.cr.commit()

        def post():
            document.message_post(
                body=site.BODY, message_type="comment", subtype_xmlid="mail.mt_comment"
            )
            env.cr.commit()
            env.invalidate_all()

        post()
        return [site.seconds(post) for _number in range(POSTS)]
