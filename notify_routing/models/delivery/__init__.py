from . import notify_delivery
