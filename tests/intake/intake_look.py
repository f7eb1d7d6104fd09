"""Where a message is on its way in, and what is said about it."""


def posted(company, order, text):
    order.invalidate_recordset()
    return order.sudo().message_ids.filtered(lambda message: text in message.body)


def check_of(server):
    """Return the line of the set-up check about a mailbox."""
    return server.env["notify.check"].search([("key", "=", f"mailbox:{server.id}")])


def alarms(server):
    """Return the activities by which managers hear of a mailbox's trouble."""
    about = [("res_model", "=", "notify.check"), ("res_id", "=", check_of(server).id)]
    return server.env["mail.activity"].search(about)


def mailbox(company, name="odoo"):
    client = company.world.dovecot.connect(name)
    client.select("INBOX")
    return client


def rows(company, *domain):
    company.env.invalidate_all()
    return company.env["notify.intake"].search(list(domain))
