"""What must be put right when the addon leaves a database."""


def uninstall_hook(env):
    """Take back what waits in the job queue, whose methods are about to go: the scheduled actions
    do it themselves again."""
    env["queue.job"]._notify_waiting().unlink()
    env["notify.delivery"]._trigger()
    env["notify.intake"]._wake()
