"""A review in a process of its own, that stops where it is told to, to be killed there.

    python killed_review.py CONFIG DATABASE BATCH PLACE

It prints ``here`` when it is at the place, *before* or *after* the commit of a batch, and waits.
"""

import sys
import time


def main(config, database, batch, place):
    import odoo
    from odoo.modules.registry import Registry
    from odoo.tools import config as options

    options.parse_config(["-c", config, "-d", database, "--logfile", "/dev/null"])
    registry = Registry(database)
    from odoo.addons.notify_routing.models.schedule import notify_review

    notify_review.PEOPLE = 4
    Review = registry["notify.review"]
    work = Review._review_batch
    seen = []

    def review_batch(self):
        done = work(self)
        seen.append(done)
        if len(seen) == int(batch):
            self.env.flush_all()
            if place == "after":
                self.env.cr.commit()
            print("here", flush=True)
            time.sleep(600)
        return done

    Review._review_batch = review_batch
    with registry.cursor() as cursor:
        odoo.api.Environment(cursor, odoo.SUPERUSER_ID, {})["notify.review"]._cron_review()


if __name__ == "__main__":
    main(*sys.argv[1:])
